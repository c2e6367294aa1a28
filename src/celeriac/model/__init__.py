"""THE WORDS: values that every other room shares. Nothing here knows of sockets, time or applications."""
