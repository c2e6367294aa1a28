"""THE SOCKETS: what the rest of the house asks of drivers, tasks and applications. One page a seam."""
