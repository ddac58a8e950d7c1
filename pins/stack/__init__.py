"""The whole product on one machine: processes and their supervisor, the embedded broker, the demo, the doctor."""
