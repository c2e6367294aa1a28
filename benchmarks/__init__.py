"""Ours beside its peers, in one run on one machine; ``python -m benchmarks.run``. README.md says how it is measured."""
