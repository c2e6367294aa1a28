"""Where jobs run: task processes (prefork), or the worker's own process (solo)."""
