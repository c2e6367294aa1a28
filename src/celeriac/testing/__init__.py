"""For users' tests and for authors of drivers."""

from celeriac.testing.worker import start_worker

__all__ = ["start_worker"]
