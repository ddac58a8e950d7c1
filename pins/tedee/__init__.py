"""The Tedee cloud API: the only place that speaks to it. Knows nothing of Django."""
