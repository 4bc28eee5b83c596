"""What every package uses: error types, hints, digests, database URLs, atomic writing, locks.

It imports nothing of ours. Whatever belongs to one package alone belongs there.
"""
