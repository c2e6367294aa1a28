"""One module a system, all of one shape: ``tick`` (the task), ``send()``, ``round_trip()``, ``kept()``. Imported with that system's own Python."""
