"""Resolver strategies: the champion, and the hyperparameters of an earlier search."""
