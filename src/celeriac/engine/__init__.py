"""One delivery in, its effects out. No sockets, threads, processes or wall clock."""
