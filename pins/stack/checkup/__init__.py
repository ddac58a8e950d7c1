"""The examinations of `manage.py doctor`, by subject. Each yields findings: what was examined, its health, a remedy."""
