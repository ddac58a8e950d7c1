"""From a calendar to bookings: the decisions of `classify` and `decide`, written in one transaction."""
