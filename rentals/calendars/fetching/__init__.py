"""When a calendar is fetched from its channel, and what a failure means."""
