"""Samples of the answered requests: encoding and writing. The monitoring reads them."""
