"""Where the nodes' Beam pipelines run: in the node's process, on a cluster of Dask, or elsewhere.

The runner for Dask is `beam_on_dask`, which knows nothing of ours. Here is what is: the settings as
Beam's arguments, the workers' environment and code, a cluster on this machine, and a pool of
workers for engines behind a job service.
"""
