"""`python -m worker`: one Celery worker that trains one job at a time. SIGTERM saves, releases the job and ends."""

from worker.main import app

if __name__ == "__main__":
    app.worker_main(["worker", "--loglevel=info", "--without-mingle", "--without-gossip", "--without-heartbeat"])
