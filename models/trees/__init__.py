"""Gradient-boosted trees as a learner: LightGBM trains them, plain TensorFlow answers.

inputs.py    the columns that trees split on, from what Transform makes
folds.py     which rows which booster leaves out
member.py    one booster: blocks of trees, and what they say of the rows left out
growth.py    all boosters in step: early stopping, limits, resuming
forest.py    trees as arrays
masks.py     the same, as what each value of a column rules out
layer.py     either of them as a Keras layer
shared/      the same, grown by several processes together
learner.py   what the Trainer and the Tuner call, as `fitting.fit` is for the network
"""
