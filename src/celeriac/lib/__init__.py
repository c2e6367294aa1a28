"""Tools that know nothing of tasks."""
