"""A Beam runner on a cluster of Dask's `distributed`.

It knows Beam and `distributed`, and nothing of ours: any Beam pipeline can be run with it. Beam's
private names are used in `internals.py` alone.

```text
pipeline ─ refusals ─ plan: Beam's own fused stages ─ graph: a task for each bundle ─▶ result
                                                        │
                     worker: bundle ─ shuffle, group, side inputs (all on encoded bytes)
```
"""
