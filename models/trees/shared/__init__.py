"""Trees that several processes grow together, each from its share of the rows.

part.py      a process' part of the booster
shard.py     the same with its share of the rows
member.py    the booster of all of them, as the growth sees it
shards.py    the beginning of it, as the Trainer sees it
"""
