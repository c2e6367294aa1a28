"""Messages and results in this process's own memory: for tests, and for programs that are one process."""
