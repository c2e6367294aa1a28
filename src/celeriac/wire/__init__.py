"""THE BYTES: how the words of ``model`` are written and read. Pure: no sockets, clocks or applications."""
