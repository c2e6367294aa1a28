"""Sends what is due: definitions, the schedule store of an application, leadership, and Celery's scheduler protocol."""
