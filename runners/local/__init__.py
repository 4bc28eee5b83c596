"""The local runner: a bundle's nodes on this machine, and the history of its runs."""
