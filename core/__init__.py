"""What the API and the worker agree on: settings, the job record, its store, the queue. No FastAPI, no torch."""
