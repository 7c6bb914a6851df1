"""The workers of a deployment: each tells Redis of itself again and again, and what it told is forgotten soon after.

A worker has a lane for each of its devices and one for imports, each a process that tells of itself. So a process that
is frozen or gone is missed: nobody else tells for it. `jobs/keys.py` names the keys.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from redis import Redis

from jobs import keys

TELL_S = 2.0  # how often each process tells of itself
FORGET_S = 10.0  # how long that is believed
IMPORT_LANE = "import"


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # of a newer version


class LaneReport(_Told):
    """What a lane tells of itself: the process that carries jobs out, one at a time."""

    pid: int
    job_id: str | None = None
    attempt: int | None = None


class WorkerReport(_Told):
    """What the main process of a worker tells."""

    id: str
    host: str
    pid: int
    version: str
    started_at: datetime
    devices: tuple[str, ...]  # of each lane of trainings, in their order
    listens: bool  # whether it hears of new trainings, or has no lane free for one
    draining: bool = False
    swept_at: datetime | None = None

    @property
    def lanes(self) -> dict[str, str | None]:
        """The device of each of its lanes, by name."""
        return {**{str(number): device for number, device in enumerate(self.devices)}, IMPORT_LANE: None}


class Worker(_Told):
    """A worker as it is known at present. A lane that did not tell of itself lately is missing in `lanes`."""

    main: WorkerReport
    lanes: dict[str, LaneReport]

    @property
    def fault(self) -> str | None:
        """Why it does not do its work, or None. A worker that drains does what it is to."""
        if self.main.draining:
            return None
        if silent := [name for name in self.main.lanes if name not in self.lanes]:
            return f"no word for {FORGET_S:g} s from its lanes: {', '.join(silent)}"
        return None if self.main.listens else "it hears of no new trainings"


class Workers:
    """The registry. Every method may raise redis' RedisError."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._own: list[Any] = []  # ids of the connections that were the worker's when they were last looked for

    def tell(self, report: WorkerReport) -> None:
        """The main process of a worker is alive."""
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(keys.worker_key(report.id), report.model_dump_json(), px=_ms(FORGET_S))
            pipeline.sadd(keys.WORKERS, report.id)
            pipeline.execute()

    def tell_of_lane(self, worker_id: str, lane: str, report: LaneReport) -> None:
        """A lane is alive."""
        self._redis.set(keys.lane_key(worker_id, lane), report.model_dump_json(), px=_ms(FORGET_S))

    def forget(self, worker_id: str) -> None:
        """A worker has ended."""
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(keys.worker_key(worker_id))
            pipeline.srem(keys.WORKERS, worker_id)
            pipeline.execute()

    def all(self) -> list[Worker]:
        """The workers that told of themselves lately, the oldest first."""
        ids: list[str] = sorted(self._redis.smembers(keys.WORKERS))  # type: ignore[arg-type]
        told: Any = self._redis.mget([keys.worker_key(worker_id) for worker_id in ids]) if ids else []
        if gone := [worker_id for worker_id, text in zip(ids, told, strict=True) if text is None]:
            self._redis.srem(keys.WORKERS, *gone)  # one that comes back says so itself
        mains = [WorkerReport.model_validate_json(text) for text in told if text is not None]
        mains.sort(key=lambda main: (main.started_at, main.id))
        return [Worker(main=main, lanes=self.lanes_of(main)) for main in mains]

    def lanes_of(self, main: WorkerReport) -> dict[str, LaneReport]:
        """The lanes of a worker that told of themselves lately, by name."""
        names = list(main.lanes)
        told: Any = self._redis.mget([keys.lane_key(main.id, name) for name in names])
        return {
            name: LaneReport.model_validate_json(text)
            for name, text in zip(names, told, strict=True)
            if text is not None
        }

    def listens(self, worker_id: str) -> bool:
        """Whether a connection of this worker's waits for messages at Redis."""
        name = client_name(worker_id)
        if self._own and _waits(self._redis.client_list(client_id=self._own), name):
            return True
        connections: Any = self._redis.client_list()  # of all machines: 2 ms of Redis' time for 1,000
        self._own = [one["id"] for one in connections if one["name"] == name]
        return _waits(connections, name)


def _waits(connections: Any, name: str) -> bool:
    return any(one["name"] == name and one["cmd"] == "brpop" and int(one["idle"]) < FORGET_S for one in connections)


def client_name(worker_id: str) -> str:
    """The name of the connections that a worker hears of trainings by."""
    return f"digitforge-worker-{worker_id}"


def _ms(seconds: float) -> int:
    return int(1000 * seconds)
