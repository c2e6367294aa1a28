"""What programs import of workers."""
