"""THE PLUGS: one folder a technology, each behind the sockets of ``celeriac.contracts``."""
