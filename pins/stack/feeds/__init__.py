"""Sample calendars and the little server that offers them, for the demo and the tests."""
