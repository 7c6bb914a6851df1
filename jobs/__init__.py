"""The job in Redis: its record, its transitions, its events, and the queue."""
