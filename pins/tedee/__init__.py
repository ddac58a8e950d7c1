"""The client of the Tedee cloud API, and the only place that speaks to it. Knows nothing of Django."""
