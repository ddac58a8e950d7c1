"""From the bytes of a calendar (RFC 5545) to its events, each read by itself. Pure."""
