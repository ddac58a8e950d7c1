"""Properties and locks as tables that people import and export."""
