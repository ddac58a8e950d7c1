"""What must be on each lock, and making it so."""
