"""A sample of the answered requests: encoded, written, and read by the monitoring."""
