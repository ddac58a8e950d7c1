"""What follows from a calendar: which stays are known, new, changed or given up. Pure."""
