"""`python -m worker.health`: whether the workers of this host do their work.

It is for Compose, and for whatever else watches over a worker. The exit status is 0 if they do, else 1, with a line
that says what is wrong.
"""

import socket

from redis import RedisError

from core.startup import EXIT_FAILED, read_settings, run
from jobs.redis_client import connect
from jobs.workers import FORGET_S, Workers


def main() -> int:
    """Ask Redis, which the workers tell of themselves."""
    host = socket.gethostname()
    try:
        workers = [one for one in Workers(connect(read_settings().redis_url)).all() if one.main.host == host]
    except RedisError as error:
        print(f"Redis is away: {error}")
        return EXIT_FAILED
    faults = [f"worker {one.main.id} (pid {one.main.pid}): {one.fault}" for one in workers if one.fault]
    if not workers:
        faults = [f"no word for {FORGET_S:g} s from any worker on {host}"]
    print("; ".join(faults) or f"{len(workers)} at work or draining")
    return EXIT_FAILED if faults else 0


if __name__ == "__main__":
    run(main)
