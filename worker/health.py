"""`python -m worker.health`: whether the workers of this host do their work.

It is for Compose, and for whatever else watches over a worker. The exit status is 0 if they do, else 1, with a line
that says what is wrong. With `--redis-may-be-away` it is 0 as well while Redis does not answer: for those who restart
what is unhealthy, since trainings go on without Redis.
"""

import argparse
import socket

from redis import RedisError

from core.startup import EXIT_FAILED, read_settings, run
from jobs.redis_client import connect
from jobs.workers import FORGET_S, Workers


def main() -> int:
    """Ask Redis, which the workers tell of themselves."""
    parser = argparse.ArgumentParser(prog="python -m worker.health", description="Whether this host's workers work.")
    parser.add_argument("--redis-may-be-away", action="store_true", help="a Redis that does not answer is no fault")
    redis_may_be_away = parser.parse_args().redis_may_be_away
    host = socket.gethostname()
    try:
        workers = [one for one in Workers(connect(read_settings().redis_url)).all() if one.main.host == host]
    except RedisError as error:
        print(f"Redis is away: {error}")
        return 0 if redis_may_be_away else EXIT_FAILED
    faults = [f"worker {one.main.id} (pid {one.main.pid}): {one.fault}" for one in workers if one.fault]
    if not workers:
        faults = [f"no word for {FORGET_S:g} s from any worker on {host}"]
    print("; ".join(faults) or f"{len(workers)} at work or draining")
    return EXIT_FAILED if faults else 0


if __name__ == "__main__":
    run(main)
