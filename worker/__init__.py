"""The Celery side: claim a job, run one trainer process, publish what it made. No tensor maths."""
