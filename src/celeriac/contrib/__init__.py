"""What comes beside the core."""
