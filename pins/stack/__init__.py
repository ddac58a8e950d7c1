"""The whole product on one machine: children and their supervisor, the embedded broker, the demo, the doctor."""
