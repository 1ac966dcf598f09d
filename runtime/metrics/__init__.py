"""A run in numbers for Prometheus, and whether it is well, over HTTP."""
