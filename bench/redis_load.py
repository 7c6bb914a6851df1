"""What a deployment asks of its one Redis, in CPU time of the server and in memory: `python -m bench.redis_load`.

CPU time and not calls a second, because the server shares this machine with its callers. Takes ten seconds.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from redis import Redis

from cli.redis_server import RedisServer
from core.settings import Settings
from core.version import VERSION
from core.vocabulary import EventType
from jobs.figures import JobFigures
from jobs.keys import EVENTS
from jobs.record import Claim, JobProgress, NumberedEvent, Publication
from jobs.redis_client import connect
from jobs.store import JobStore
from jobs.workers import LaneReport, WorkerReport, Workers, client_name
from tests.jobs.claims import MODEL, SPEC

CALLS = 1000
WORKERS, CONNECTIONS_EACH = 100, 10
JOBS, EVENTS_EACH = 100, (40, 1000)
PROGRESS = JobProgress(
    epoch=3, epochs=30, step=1400, total_steps=14070, kimg=179.2, images_per_s=3077.0, eta_s=8.3, losses={"loss_d": 1.3}
)
DATA = '{"epoch": 3, "losses": {"loss_d": 1.3064, "loss_g": 0.8212}, "images_per_s": 3077.1, "memory_bytes": 493879296}'


class Cost(NamedTuple):
    """What a call takes of the server."""

    what: str
    cpu_us: float

    def __str__(self) -> str:
        return f"| {self.what} | {self.cpu_us:.0f} | {1e6 / self.cpu_us:,.0f} |"


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            settings = Settings(redis_url=server.url, max_queued=1_000_000, data_dir=Path(folder))
            print("| call | CPU of Redis, µs | a second by one core |\n|---|---|---|")
            for cost in _costs(connect(server.url), settings):
                print(cost, flush=True)
            for events in EVENTS_EACH:
                print(f"\nAn ended job with {events} events: {_bytes_of_a_job(settings, events):,.0f} bytes.")
            kept = connect(server.url)
            print(f"\nThe newest {kept.xlen(EVENTS):,} events of all jobs: {_bytes_of_all_events(kept):,} bytes.")
        finally:
            server.stop()


def _costs(redis: Redis, settings: Settings) -> list[Cost]:
    store = JobStore.of(settings)
    costs = [_measured(redis, "`POST /train`: the record", lambda _: store.create(SPEC))]
    costs.append(_measured(redis, f"what is queued, {CALLS:,} jobs", lambda _: store.claimable_ids("train"), 100))
    ids, claims = store.claimable_ids("train"), list[Claim]()

    def claim(number: int) -> None:
        claims.extend(filter(None, [store.claim(ids[number])]))

    costs.append(_measured(redis, "claim", claim))
    costs.append(_measured(redis, "what is queued, no job", lambda _: store.claimable_ids("import")))
    costs.append(_measured(redis, "beat", lambda number: store.beat(claims[number])))
    event = NumberedEvent(1, EventType.PROGRESS, DATA)
    told = lambda number: store.beat(claims[number], progress=PROGRESS, events=[event])  # noqa: E731
    costs.append(_measured(redis, "beat with progress and an event", told))
    costs.append(_measured(redis, "figures for `GET /metrics`", lambda _: JobFigures.read(redis), 200))
    workers = Workers(redis)
    report = WorkerReport(
        id="00112233", host="h", pid=1, version=VERSION, started_at=datetime.now(UTC), devices=("cuda:0",), listens=True
    )
    costs.append(_measured(redis, "a worker tells of itself", lambda _: workers.tell(report)))
    costs.append(
        _measured(redis, "a lane tells of itself", lambda _: workers.tell_of_lane("00112233", "0", LaneReport(pid=1)))
    )
    for number in range(WORKERS):
        workers.tell(report.model_copy(update={"id": f"{number:08x}"}))
    costs.append(_measured(redis, f"`GET /workers`, {WORKERS} workers", lambda _: workers.all(), 20))
    with ExitStack() as stack:
        for number in range(WORKERS * CONNECTIONS_EACH):
            client = Redis.from_url(settings.redis_url, client_name=client_name(f"{number % WORKERS:08x}"))
            stack.callback(client.close)
            client.ping()
        waiting = Redis.from_url(settings.redis_url, client_name=client_name("00000000"))
        thread = Thread(target=waiting.brpop, args=(["nothing"], 60))
        thread.start()
        what = f"whether a worker hears of jobs, among {WORKERS * CONNECTIONS_EACH:,} connections"
        costs.append(_measured(redis, f"{what}, at first", lambda _: Workers(redis).listens("00000000"), 50))
        costs.append(_measured(redis, f"{what}, again", lambda _: workers.listens("00000000")))
        redis.lpush("nothing", "")
        thread.join()
    return costs


def _bytes_of_a_job(settings: Settings, count: int) -> float:
    """What an ended training leaves in memory of its own: not what it adds to the events of all jobs."""
    store, redis = JobStore.of(settings), connect(settings.redis_url)
    store.cancel(store.create(SPEC).job.id)  # the scripts are loaded then
    before = redis.info("memory")["used_memory"] - _bytes_of_all_events(redis)
    for _ in range(JOBS):
        claim = store.claim(store.create(SPEC).job.id)
        assert claim is not None
        events = [NumberedEvent(number + 1, EventType.PROGRESS, DATA) for number in range(count)]
        for first in range(0, count, 100):
            store.beat(claim, progress=PROGRESS, events=events[first : first + 100])
        store.commit(claim, MODEL)
        store.publish(claim.job.id, MODEL, Publication(active=False, reason="worse"))
    after = redis.info("memory")["used_memory"] - _bytes_of_all_events(redis)
    return float(after - before) / JOBS


def _bytes_of_all_events(redis: Redis) -> int:
    return int(redis.memory_usage(EVENTS, samples=0) or 0)


def _measured(redis: Redis, what: str, call: Callable[[int], object], calls: int = CALLS) -> Cost:
    call_s = _cpu_s(redis)
    for number in range(calls):
        call(number)
    return Cost(what, (_cpu_s(redis) - call_s) / calls * 1e6)


def _cpu_s(redis: Redis) -> float:
    """CPU time of the server so far, in seconds, its background threads included."""
    found = redis.info("cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


if __name__ == "__main__":
    main()
