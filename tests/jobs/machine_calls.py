"""Calls of the store, each held against the model of the job it is about."""

from collections.abc import Callable
from typing import ClassVar

from hypothesis.stateful import (
    RuleBasedStateMachine,
)
from redis import Redis

from core.errors import DigitforgeError
from jobs.record import Claim, Job, JobSpec
from tests.jobs.machine_contents import Contents, ForgetfulStore
from tests.jobs.machine_model import TERMINAL, Answers, Life
from webhooks.store import WebhookStore

LEASE_S, HOUR_MS = 1.0, 3_600_000
WEBHOOK_EVENTS = ("job.failed", "job.cancelled")
MOST_QUEUED, MOST_ALIVE = 2, 5


class CallingMachine(RuleBasedStateMachine):
    """The store beside the lives that its jobs should have."""

    redis: ClassVar[Redis]

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.store = ForgetfulStore(self.redis, LEASE_S, MOST_QUEUED)
        self.store.contents = self.contents
        self.webhook = WebhookStore(self.redis).create("anybody", "https://hooks.example/", WEBHOOK_EVENTS).id
        self.lives: dict[str, Life] = {}
        self.gone: list[Life] = []  # of deleted jobs
        self.born: dict[str, Job] = {}  # all jobs ever, as they were created
        self.claims: dict[str, list[Claim]] = {}
        self.asked: dict[str, tuple[Job, JobSpec]] = {}  # by idempotency key
        self.committed: dict[str, str] = {}
        self.ended: dict[str, tuple[dict[str, str], list[tuple[str, dict[str, str]]]]] = {}
        self.deleted: set[str] = set()
        self.trained = 0  # trainings that succeeded
        self.found: Contents | None = None  # what was there after the step before
        self.n_told = 0

    def contents(self) -> Contents:
        return Contents.of(self.redis, {*self.lives, *self.born, "nobody"})

    def life(self, job_id: str) -> Life:
        return self.lives.get(job_id, Life())

    def claim_of(self, job_id: str, caller: str) -> Claim:
        """A claim on the job: the newest there was, one that was lost, or one that never was."""
        claims = self.claims.get(job_id, [])
        if caller == "owner" and claims:
            return claims[-1]
        if caller == "zombie" and len(claims) > 1:
            return claims[-2]
        some_job = self.born.get(job_id, next(iter(self.born.values()))).model_copy(update={"id": job_id})
        return Claim(job=some_job, owner="stranger")

    def ask(self, twice: bool, call: Callable[[], object]) -> object:
        """The answer to a call, or the type of its error; one that is refused must change nothing at all."""
        before, self.found = self.found or self.contents(), None
        self.store.twice = twice
        answer: object
        try:
            answer = call()
        except DigitforgeError as error:
            answer = type(error)
        finally:
            self.store.twice = False
        if isinstance(answer, type) or answer in ("lost", "kept"):
            assert self.contents() == before, "a call that was refused changed something"
        return answer

    def check(self, twice: bool, allowed: Answers, call: Callable[[], object]) -> object:
        answer = self.ask(twice, call)
        assert answer in allowed, f"answered {answer}, not one of {allowed}"
        return answer

    def check_lease(self, job_id: str, since_ms: int) -> None:
        lease = self.redis.zscore("digitforge:leases", job_id)
        assert lease is not None
        assert since_ms + 1000 * LEASE_S <= lease <= self.now_ms() + 1000 * LEASE_S

    def now_ms(self) -> int:
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def n_queued(self, imports: bool) -> int:
        return sum(life.status == "queued" and life.is_import == imports for life in self.lives.values())

    def n_alive(self) -> int:
        return sum(life.status not in TERMINAL for life in self.lives.values())
