"""Processes on the workers of a Dask cluster that train together.

place.py     where: checked before anything runs
group.py     what the Trainer has: starts them, calls them, ends them
host.py      what a Dask worker does for them, one process for each training
child.py     such a process

They are no tasks of Dask's: Dask would run a lost one again by itself, and two trainings whose
tasks wait for each other on workers of one thread would wait for ever. They are no part of the
worker's process either: a call of native code that waits for a process that has died can't be
interrupted, but a process of its own can be killed.
"""
