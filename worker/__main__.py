"""`python -m worker`: one Celery worker, a job at a time on each device. SIGTERM saves, releases the jobs and ends."""

from core.logs import log_to_stderr
from core.startup import open_data_dir, read_settings, run
from jobs.schema import claim_redis
from sharing.belonging import check_start
from worker.metrics import check_address


def main() -> int:
    """Work until a signal ends it."""
    settings = read_settings()
    open_data_dir(settings)
    check_address(settings)
    log_to_stderr(settings, "worker")
    check_start(settings, waits=True)
    from worker.main import app  # which reads the settings when it is imported

    claim_redis(settings.redis_url)
    app.worker_main(["--quiet", "worker", "--without-mingle", "--without-gossip", "--without-heartbeat"])
    return 0


if __name__ == "__main__":
    run(main)
