"""What a worker or scheduler tells of itself over HTTP: counts for Prometheus, and whether it lives and is ready."""
