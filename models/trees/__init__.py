"""Gradient-boosted trees as a learner: LightGBM trains them, plain TensorFlow answers.

inputs.py    the columns that trees split on, from what Transform makes
boosting.py  one block of trees: LightGBM's parameters, rounds and losses
forest.py    trees as arrays
layer.py     these arrays as a Keras layer
growth.py    the training: block after block, early stopping, limits, resuming
learner.py   what the Trainer and the Tuner call, as `training.fit` is for the network
"""
