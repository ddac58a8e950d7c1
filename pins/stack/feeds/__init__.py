"""Sample calendars and the small server that offers them, for the demo and the tests."""
