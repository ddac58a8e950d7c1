"""A package, so that pytest closes the browser and its event loop with the last test of these."""
