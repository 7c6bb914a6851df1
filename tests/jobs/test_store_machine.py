"""Any calls in any order, by anybody, each perhaps twice: the real scripts on a real Redis, against a model of them.

DIGITFORGE_MACHINE_EXAMPLES=2000 makes a longer search than the usual one.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from cli.redis_server import RedisServer
from core.errors import DigitforgeError, IdempotencyKeyReused, QueueFull
from core.recipe import PRESETS
from jobs.record import Claim, DeviceMemory, Job, JobError, JobProgress, JobSpec, News, Publication
from jobs.store import Created, JobStore, connect
from tests.jobs.machine_model import NEXT_STATES, TERMINAL, Answers, Life
from tests.jobs.test_store import MODEL, PROGRESS, wait_for_uptime

EXAMPLES = int(os.environ.get("DIGITFORGE_MACHINE_EXAMPLES", "60"))
STEPS = 30
LEASE_S, HOUR_MS = 1.0, 3_600_000
MOST_QUEUED, MOST_ALIVE = 2, 5

SPECS = [JobSpec(preset="smoke", recipe=PRESETS["smoke"], publish=publish) for publish in ("auto", "never")]
ERROR = JobError(type="trainer-crashed", detail="killed", retryable=True)
NEWS_TYPES = ("progress", "epoch", "warning")

twice = st.booleans()
models = st.sampled_from([*3 * [MODEL], "fedcba9876543210"])
callers = st.sampled_from([*4 * ["owner"], "zombie", "stranger"])
STATES = ["queued", "running", "doomed", "swept", "pausing", "paused", "cancelling", "publishing", "ended", "any"]
outcomes = st.sampled_from([Publication(active=True, reason="better"), Publication(active=False, reason="worse")])
memories = st.sampled_from([None, DeviceMemory(before_mb=900.0, after_mb=0.0)])
progresses = st.sampled_from([None, PROGRESS, PROGRESS.model_copy(update={"step": 7})])


def mostly(*states: str) -> st.SearchStrategy[tuple[str, int]]:
    """Which job a call is about, see JobMachine.pick: as often in one of these states as in any other."""
    return st.tuples(st.sampled_from(STATES) | st.sampled_from(states), st.integers(0, 3))


class Contents(NamedTuple):
    """All that the store has in Redis."""

    records: dict[str, dict[str, str]]
    events: dict[str, list[tuple[str, dict[str, str]]]]
    indexes: dict[str, dict[str, float]]
    durations: list[str]
    files: set[str]
    keys: list[str]

    @classmethod
    def of(cls, redis: Redis, job_ids: Iterable[str]) -> "Contents":
        ids, indexes = list(job_ids), ["jobs", "queued", "leases", "publishing", "ended"]
        with redis.pipeline() as pipeline:
            for job_id in ids:
                pipeline.hgetall(f"digitforge:job:{job_id}")
                pipeline.xrange(f"digitforge:events:{job_id}")
            for index in indexes:
                pipeline.zrange(f"digitforge:{index}", 0, -1, withscores=True)
            pipeline.lrange("digitforge:durations", 0, -1)
            pipeline.smembers("digitforge:files")
            pipeline.keys("digitforge:*")
            answers: list[Any] = pipeline.execute()
        n = 2 * len(ids)
        return cls(
            records={job_id: found for job_id, found in zip(ids, answers[:n:2], strict=True) if found},
            events={
                job_id: [tuple(row) for row in rows] for job_id, rows in zip(ids, answers[1:n:2], strict=True) if rows
            },
            indexes={index: dict(map(tuple, rows)) for index, rows in zip(indexes, answers[n:-3], strict=True)},
            durations=answers[-3],
            files=set(answers[-2]),
            keys=sorted(answers[-1]),
        )

    def but_leases(self) -> "Contents":
        """The same, whenever the leases end."""
        return self._replace(indexes={**self.indexes, "leases": dict.fromkeys(self.indexes["leases"], 0.0)})


class ForgetfulStore(JobStore):
    """While `twice` is set the first answer of each script is lost, and the client sends it again, as redis-py does."""

    twice = False
    contents: Callable[[], Contents]

    def _run(self, script: str, job_id: str, *arguments: str | int, **keywords: Any) -> str:
        answer = super()._run(script, job_id, *arguments, **keywords)
        if not self.twice:
            return answer
        once = self.contents().but_leases()
        again = super()._run(script, job_id, *arguments, **keywords)
        assert self.contents().but_leases() == once, f"the second {script} changed something"
        return again


class JobMachine(RuleBasedStateMachine):
    """Users, workers, zombies and a sweeper, one call after the other."""

    redis: ClassVar[Redis]

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.store = ForgetfulStore(self.redis, LEASE_S, MOST_QUEUED)
        self.store.contents = self.contents
        self.lives: dict[str, Life] = {}
        self.born: dict[str, Job] = {}  # all jobs ever, as they were created
        self.claims: dict[str, list[Claim]] = {}
        self.asked: dict[str, tuple[Job, JobSpec]] = {}  # by idempotency key
        self.committed: dict[str, str] = {}
        self.ended: dict[str, tuple[dict[str, str], list[tuple[str, dict[str, str]]]]] = {}
        self.deleted: set[str] = set()
        self.succeeded = 0
        self.found: Contents | None = None  # what was there after the step before
        self.pieces = 0

    def contents(self) -> Contents:
        return Contents.of(self.redis, {*self.lives, *self.born, "nobody"})

    def pick(self, wanted: tuple[str, int]) -> str:
        """A job in this state, which is brought about if there is none; or any job that ever was, or none."""
        state, n = wanted
        ids = [*self.born, "nobody"] if state == "any" else self._in(state) or self._bring_one_to(state)
        return ids[n % len(ids)] if ids else "nobody"

    def _in(self, state: str) -> list[str]:
        return [one for one, life in self.lives.items() if life.state == state]

    def _bring_one_to(self, state: str) -> list[str]:
        match state:
            case "queued":
                self.create(SPECS[0], None, twice=False)
            case "running":
                self.claim(("swept" if self._in("swept") else "queued", 0), twice=False)
            case "swept":
                self.beat(("running", 0), "owner", None, None, checkpointed=False, fresh=2, old=0, twice=False)
                self.sweep(("running", 0), all_of_them=False, twice=False)
            case "doomed":
                for _ in range(2):
                    self.strike(("running", 0), "owner", twice=False)
                    self.claim(("queued", 0), twice=False)
            case "pausing":
                self.pause(("running", 0), twice=False)
            case "paused":
                self.release(("pausing", 0), "owner", twice=False)
            case "cancelling":
                self.cancel(("running", 0), twice=False)
            case "publishing":
                self.commit(("running", 0), "owner", MODEL, twice=False)
            case "ended":
                self.fail(("running", 0), "owner", twice=False)
        return self._in(state)

    def life(self, job_id: str) -> Life:
        return self.lives.get(job_id, Life())

    def claim_of(self, job_id: str, caller: str) -> Claim:
        """A claim on the job: the newest there was, one that was lost, or one that never was."""
        claims = self.claims.get(job_id, [])
        if caller == "owner" and claims:
            return claims[-1]
        if caller == "zombie" and len(claims) > 1:
            return claims[-2]
        some_job = next(iter(self.born.values())).model_copy(update={"id": job_id})
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

    def n_queued(self) -> int:
        return sum(life.status == "queued" for life in self.lives.values())

    def n_alive(self) -> int:
        return sum(life.status not in TERMINAL for life in self.lives.values())

    # Users

    @initialize()
    def the_first_job(self) -> None:
        self.create(SPECS[0], "a", twice=False)

    @precondition(lambda self: self.n_alive() < MOST_ALIVE)
    @rule(spec=st.sampled_from(SPECS), key=st.sampled_from([None, "a", "a", "b"]), twice=twice)
    def create(self, spec: JobSpec, key: str | None, twice: bool) -> None:
        answer = self.ask(twice, lambda: self.store.create(spec, key))
        if key in self.asked and self.asked[key][0].id in self.lives:
            first, first_spec = self.asked[key]
            if spec != first_spec:
                assert answer is IdempotencyKeyReused
            else:
                assert answer == Created(first.model_copy(update={"event": ""}), replayed=True)
            return
        if self.n_queued() >= MOST_QUEUED:
            assert answer is QueueFull
            return
        assert isinstance(answer, Created)
        job = answer.job
        assert not answer.replayed
        assert job.id not in self.born
        self.lives[job.id] = Life()
        self.lives[job.id].create(spec)
        self.born[job.id] = job
        if key is not None:
            self.asked[key] = job, spec
            assert self.redis.ttl(f"digitforge:key:{key}") > 0

    @rule(job=mostly("running", "queued"), twice=twice)
    def cancel(self, job: tuple[str, int], twice: bool) -> None:
        job_id = self.pick(job)
        self.check(twice, self.life(job_id).cancel(), lambda: _answer(self.store.cancel(job_id)))

    @rule(job=mostly("running", "queued"), twice=twice)
    def pause(self, job: tuple[str, int], twice: bool) -> None:
        job_id = self.pick(job)
        self.check(twice, self.life(job_id).pause(), lambda: _answer(self.store.pause(job_id)))

    @rule(job=mostly("pausing", "paused"), twice=twice)
    def resume(self, job: tuple[str, int], twice: bool) -> None:
        job_id = self.pick(job)
        self.check(twice, self.life(job_id).resume(), lambda: _answer(self.store.resume(job_id)))

    @rule(job=mostly("ended"), twice=twice)
    def delete(self, job: tuple[str, int], twice: bool) -> None:
        job_id = self.pick(job)
        if job_id in self.deleted:
            allowed: Answers = (None,)
        else:
            allowed = self.life(job_id).delete()
        if self.check(twice, allowed, lambda: self.store.delete(job_id)) is None:
            self.lives.pop(job_id, None)
            self.ended.pop(job_id, None)
            self.deleted.add(job_id)

    # Workers

    @rule(job=mostly("queued", "swept"), twice=twice)
    def claim(self, job: tuple[str, int], twice: bool) -> None:
        job_id = self.pick(job)
        since, life = self.now_ms(), self.life(job_id)
        claim = self.ask(twice, lambda: self.store.claim(job_id) or "lost")
        assert isinstance(claim, Claim) == (life.status == "queued")
        if isinstance(claim, Claim):
            self.claims.setdefault(job_id, []).append(claim)
            life.claim(claim.owner)
            assert life.agrees_with(claim.job)
            self.check_lease(job_id, since)

    @rule(
        job=mostly("running"),
        caller=callers,
        device=st.sampled_from([None, "cpu", "cuda"]),
        progress=progresses,
        checkpointed=st.booleans(),
        fresh=st.integers(0, 3),
        old=st.integers(0, 3),
        twice=twice,
    )
    def beat(
        self,
        job: tuple[str, int],
        caller: str,
        device: str | None,
        progress: JobProgress | None,
        checkpointed: bool,
        fresh: int,
        old: int,
        twice: bool,
    ) -> None:
        """With news, and before them the last few that were told already."""
        job_id = self.pick(job)
        since, life, claim = self.now_ms(), self.life(job_id), self.claim_of(job_id, caller)
        news = life.said[max(0, len(life.said) - old) :]
        for number in range(len(life.said) + 1, len(life.said) + fresh + 1):
            self.pieces += 1
            news.append(News(number, NEWS_TYPES[self.pieces % 3], json.dumps({"text": f"{self.pieces:06}"})))
        allowed = life.beat(claim.owner, device, progress, checkpointed, news)
        answer = self.check(
            twice,
            allowed,
            lambda: self.store.beat(claim, device=device, progress=progress, checkpointed=checkpointed, news=news),
        )
        if answer != "lost":
            self.check_lease(job_id, since)

    @rule(job=mostly("running"), caller=callers, model_id=models, twice=twice)
    def commit(self, job: tuple[str, int], caller: str, model_id: str, twice: bool) -> None:
        job_id = self.pick(job)
        claim = self.claim_of(job_id, caller)
        allowed = self.life(job_id).commit(claim.owner, model_id)
        if self.check(twice, allowed, lambda: self.store.commit(claim, model_id)) == "ok":
            assert self.committed.setdefault(job_id, model_id) == model_id

    @rule(job=mostly("publishing"), model_id=models, publication=outcomes, twice=twice)
    def publish(self, job: tuple[str, int], model_id: str, publication: Publication, twice: bool) -> None:
        job_id = self.pick(job)
        life = self.life(job_id)
        self.succeeded += life.is_publishing and life.model_id == model_id
        allowed = life.publish(model_id, publication)
        self.check(twice, allowed, lambda: self.store.publish(job_id, model_id, publication))

    @rule(job=mostly("running"), caller=callers, twice=twice)
    def fail(self, job: tuple[str, int], caller: str, twice: bool) -> None:
        job_id = self.pick(job)
        claim = self.claim_of(job_id, caller)
        self.check(twice, self.life(job_id).fail(claim.owner, ERROR), lambda: self.store.fail(claim, ERROR))

    @rule(job=mostly("cancelling"), caller=callers, memory=memories, twice=twice)
    def acknowledge_cancel(self, job: tuple[str, int], caller: str, memory: DeviceMemory | None, twice: bool) -> None:
        job_id = self.pick(job)
        claim = self.claim_of(job_id, caller)
        allowed = self.life(job_id).acknowledge_cancel(claim.owner, memory)
        self.check(twice, allowed, lambda: self.store.acknowledge_cancel(claim, memory))

    @rule(job=mostly("running", "pausing"), caller=callers, twice=twice)
    def release(self, job: tuple[str, int], caller: str, twice: bool) -> None:
        job_id = self.pick(job)
        claim = self.claim_of(job_id, caller)
        self.check(twice, self.life(job_id).release(claim.owner), lambda: self.store.release(claim))

    @rule(job=mostly("running", "doomed"), caller=callers, twice=twice)
    def strike(self, job: tuple[str, int], caller: str, twice: bool) -> None:
        job_id = self.pick(job)
        claim = self.claim_of(job_id, caller)
        self.check(twice, self.life(job_id).strike(claim.owner, ERROR), lambda: self.store.strike(claim, ERROR))

    # The sweeper

    @rule(job=mostly("running", "doomed"), all_of_them=st.booleans(), twice=twice)
    def sweep(self, job: tuple[str, int], all_of_them: bool, twice: bool) -> None:
        """After the lease of a job has expired, or of all jobs, and of no others."""
        job_id = self.pick(job)
        expired = {one for one, life in self.lives.items() if life.has_lease and (all_of_them or one == job_id)}
        self._set_leases(expired)
        should = {one: self.lives[one].sweep() for one in expired}
        swept = self.ask(twice, self.store.sweep)
        assert swept == ({} if twice else should)  # who sweeps again finds nothing to do

    @rule(job=mostly("running"))
    def sweep_too_late(self, job: tuple[str, int]) -> None:
        """By a sweeper that saw an expired lease; meanwhile the owner renewed it, or let the job go."""
        job_id = self.pick(job)
        self._set_leases(set())
        self.check(False, ("kept",), lambda: self.store._run("strike", job_id, "", 3, ERROR.model_dump_json()))

    def _set_leases(self, expired: set[str]) -> None:
        alive = {one for one, life in self.lives.items() if life.has_lease} - expired
        scores = {**dict.fromkeys(expired, 1), **dict.fromkeys(alive, self.now_ms() + HOUR_MS)}
        if scores:
            self.redis.zadd("digitforge:leases", scores)
            self.found = None  # the leases are others

    @precondition(lambda self: self.deleted)
    @rule()
    def remove_files(self) -> None:
        assert self.store.deleted_ids() == self.deleted
        for job_id in self.deleted:
            self.store.forget(job_id)
        self.deleted.clear()

    # Accidents

    @rule()
    def forget_the_scripts(self) -> None:
        self.redis.script_flush()

    # What holds at any time

    @invariant()
    def the_table_holds(self) -> None:
        self.found = found = self.contents()
        self._records_are_as_they_should_be(found)
        self._strikes_are_counted(found)
        self._indexes_follow_from_records(found)
        self._events_tell_what_happened_once_and_in_order(found)
        self._states_follow_each_other_as_in_the_table(found)
        self._an_end_is_final(found)
        self._what_was_committed_is_what_succeeds(found)
        self._keys_are_those_that_the_store_names(found)

    def _records_are_as_they_should_be(self, found: Contents) -> None:
        jobs = self.store.page(limit=100)
        assert [job.id for job in jobs] == [one for one in reversed(self.born) if one in self.lives]
        for job in jobs:
            life = self.lives[job.id]
            assert life.agrees_with(job), f"{job} should be {life}"

    def _strikes_are_counted(self, found: Contents) -> None:
        for job_id, record in found.records.items():
            assert int(record["strikes"]) == self.lives[job_id].strikes

    def _indexes_follow_from_records(self, found: Contents) -> None:
        for index, belong in {
            "jobs": set(self.lives),
            "queued": {one for one, life in self.lives.items() if life.status == "queued"},
            "leases": {one for one, life in self.lives.items() if life.has_lease},
            "publishing": {one for one, life in self.lives.items() if life.is_publishing},
            "ended": {one for one, life in self.lives.items() if life.status in TERMINAL},
        }.items():
            assert set(found.indexes[index]) == belong, index
        for job_id, created_us in found.indexes["queued"].items():
            assert created_us == float(found.records[job_id]["created_us"]), "lost its place in the queue"
        assert found.files == self.deleted
        assert len(found.durations) == min(20, self.succeeded)

    def _events_tell_what_happened_once_and_in_order(self, found: Contents) -> None:
        assert set(found.events) == set(found.records) == set(self.lives)
        for job_id, rows in found.events.items():
            told = [(fields["type"], json.loads(fields["data"])) for _, fields in rows]
            assert told == self.lives[job_id].events
            assert found.records[job_id]["event"] == rows[-1][0]
            texts = [data["text"] for kind, data in told if kind in NEWS_TYPES]
            assert texts == sorted(set(texts)), "news told twice, or out of order"
            assert sum(kind == "running" for kind, _ in told) == int(found.records[job_id]["attempt"])

    def _states_follow_each_other_as_in_the_table(self, found: Contents) -> None:
        for job_id, rows in found.events.items():
            state = ""
            states = [fields["type"] for _, fields in rows if fields["type"] in NEXT_STATES]
            for following in states:
                assert following in NEXT_STATES[state], f"{state} -> {following}"
                state = following
            is_terminal = self.lives[job_id].status in TERMINAL
            assert sum(one in TERMINAL for one in states) == is_terminal
            assert (rows[-1][1]["type"] in TERMINAL) == is_terminal

    def _an_end_is_final(self, found: Contents) -> None:
        for job_id, record in found.records.items():
            if record["status"] in TERMINAL:
                end = record, found.events[job_id]
                assert self.ended.setdefault(job_id, end) == end

    def _what_was_committed_is_what_succeeds(self, found: Contents) -> None:
        for job_id, record in found.records.items():
            assert record.get("model_id") == self.committed.get(job_id)
            if job_id in self.committed:
                assert record["status"] in ("running", "succeeded")
            assert (record["status"] == "succeeded") == ("publication" in record)

    def _keys_are_those_that_the_store_names(self, found: Contents) -> None:
        keys = {f"digitforge:{part}:{one}" for part in ("job", "events") for one in self.lives}
        keys |= {f"digitforge:key:{key}" for key in self.asked}
        keys |= {f"digitforge:{one}" for one in ("jobs", "queued", "leases", "publishing", "ended")}
        assert set(found.keys) <= keys | {"digitforge:durations", "digitforge:files"}


def _answer(job: Job) -> tuple[str, str | None]:
    return job.status.value, job.request


def test_no_sequence_of_calls_brings_the_store_into_a_state_that_is_not_in_the_table(redis_server: RedisServer) -> None:
    JobMachine.redis = connect(redis_server.url)
    wait_for_uptime(JobMachine.redis, LEASE_S)
    run_state_machine_as_test(
        JobMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=False,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    JobMachine.redis.close()
