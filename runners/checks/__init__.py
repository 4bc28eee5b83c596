"""`beltline check`: whatever would make a run fail, found beforehand, a place a file."""
