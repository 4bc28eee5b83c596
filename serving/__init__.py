"""Serves the pushed versions over REST, samples the requests, and monitors them for drift."""
