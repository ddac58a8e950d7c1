"""The console: whether tonight's guests can get in, and what a person should mend. Needs a staff login."""
