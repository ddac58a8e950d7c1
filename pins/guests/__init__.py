"""Guests: the page of a stay, the messages about it, and what to do when a guest cannot get in."""
