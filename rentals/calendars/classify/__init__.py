"""What an event means: a stay, a block, a marker or a question, and what it tells about the guest. Pure."""
