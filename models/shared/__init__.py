"""Learners that several processes train together, each from its share of the rows.

share.py       a process' share of the rows
worker.py      the object that a process has: its share, and its part of the learner that trains
network.py     its copy of the network
collective.py  what all processes compute together, within TensorFlow
processes.py   the processes, as those that lead a training see them
job.py         a training's job whose rows are with the processes
passes.py      the passes of the network, as the Trainer leads them

Trees have a package of their own, `models/trees/shared`.
"""
