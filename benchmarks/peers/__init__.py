"""trimtab beside the libraries that others use for the same work, each in a pinned environment of its own.

``python -m benchmarks peers`` makes the environments that are missing, asks everybody for the same answers in turn and
writes `results/peers.json` and `docs/benchmarks.md`. See :mod:`.tasks` for the work, `clients/` for how each does it.
"""
