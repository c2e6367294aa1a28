"""Messages, results and schedules in one SQL database: the embedded default's SQLite file."""
