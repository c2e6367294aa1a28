"""Result stores that were written for Celery, run behind our contract."""
