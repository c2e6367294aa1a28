"""Redis and Valkey: queues that Celery's workers read and write too, results under Celery's names, everything of a batch in one script."""
