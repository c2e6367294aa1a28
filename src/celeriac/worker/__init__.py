"""Processes and loops around the engine: a supervisor, a consumer, and task processes that pull packets of jobs."""
