"""The console: whether tonight's guests can get in, and what a person should fix. Needs a staff login."""
