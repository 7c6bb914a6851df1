"""Users, workers, zombies and a sweeper: every call that they may make, as rules."""

import json

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)

from core.errors import IdempotencyKeyReused, QueueFull
from core.vocabulary import EventType
from jobs.record import (
    Claim,
    DeviceMemory,
    ImportSpec,
    Job,
    JobError,
    JobProgress,
    JobSpec,
    NumberedEvent,
    Publication,
)
from jobs.store import Created
from tests.jobs.claims import IMPORT, MODEL, PROGRESS, SPEC
from tests.jobs.machine_calls import HOUR_MS, MOST_ALIVE, MOST_QUEUED, CallingMachine
from tests.jobs.machine_model import Answers, Life

SPECS: list[JobSpec] = [SPEC, SPEC.model_copy(update={"publish": "never"}), IMPORT]
ERROR = JobError(type="trainer-crashed", detail="killed", retryable=True)
TOLD_TYPES = (EventType.PROGRESS, EventType.EPOCH, EventType.WARNING)

twice = st.booleans()
products = st.sampled_from([*3 * [MODEL], "fedcba9876543210"])
callers = st.sampled_from([*4 * ["owner"], "zombie", "stranger"])
STATES = ["queued", "running", "doomed", "swept", "pausing", "paused", "cancelling", "publishing", "ended", "any"]
outcomes = st.sampled_from([Publication(active=True, reason="better"), Publication(active=False, reason="worse")])
memories = st.sampled_from([None, DeviceMemory(before_mb=900.0, after_mb=0.0)])
progresses = st.sampled_from([None, PROGRESS, PROGRESS.model_copy(update={"step": 7})])


def mostly(*states: str) -> st.SearchStrategy[tuple[str, int]]:
    """Which job a call is about, see JobMachine.pick: as often in one of these states as in any other."""
    return st.tuples(st.sampled_from(STATES) | st.sampled_from(states), st.integers(0, 3))


class JobRules(CallingMachine):
    """One call after the other, about a job in a state that makes it interesting."""

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
                beats = {"checkpointed": False, "fresh": 2, "old": 0, "saved": None, "twice": False}
                self.beat(("running", 0), "owner", None, None, **beats)
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
        if self.n_queued(isinstance(spec, ImportSpec)) >= MOST_QUEUED:
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
            assert self.redis.ttl(f"digitforge:idempotency:anybody:{key}") > 0

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
            self.gone += [self.lives.pop(job_id)] if job_id in self.lives else []
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
        saved=st.sampled_from([None, "runs/x/a001/1", "runs/x/a002/2"]),
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
        saved: str | None,
        twice: bool,
    ) -> None:
        """With fresh events, and before them the last few that were told already."""
        job_id = self.pick(job)
        since, life, claim = self.now_ms(), self.life(job_id), self.claim_of(job_id, caller)
        said = life.said[max(0, len(life.said) - old) :]
        for number in range(len(life.said) + 1, len(life.said) + fresh + 1):
            self.n_told += 1
            said.append(NumberedEvent(number, TOLD_TYPES[self.n_told % 3], json.dumps({"text": f"{self.n_told:06}"})))
        allowed = life.beat(claim.owner, device, progress, checkpointed, said, saved)
        answer = self.check(
            twice,
            allowed,
            lambda: self.store.beat(
                claim, device=device, progress=progress, checkpointed=checkpointed, events=said, saved=saved
            ),
        )
        if answer != "lost":
            self.check_lease(job_id, since)

    @rule(job=mostly("running"), caller=callers, product=products, twice=twice)
    def commit(self, job: tuple[str, int], caller: str, product: str, twice: bool) -> None:
        job_id = self.pick(job)
        claim = self.claim_of(job_id, caller)
        allowed = self.life(job_id).commit(claim.owner, product)
        if self.check(twice, allowed, lambda: self.store.commit(claim, product)) == "ok":
            assert self.committed.setdefault(job_id, product) == product

    @rule(job=mostly("publishing"), product=products, publication=outcomes, twice=twice)
    def publish(self, job: tuple[str, int], product: str, publication: Publication, twice: bool) -> None:
        job_id = self.pick(job)
        life = self.life(job_id)
        decided = None if life.is_import else publication
        self.trained += life.is_publishing and life.product == product and not life.is_import
        allowed = life.publish(product, decided)
        self.check(twice, allowed, lambda: self.store.publish(job_id, product, decided))

    @rule(job=mostly("running", "cancelling"), caller=callers, twice=twice)
    def succeed(self, job: tuple[str, int], caller: str, twice: bool) -> None:
        """Without a product, as a dry run of an import does."""
        job_id = self.pick(job)
        claim = self.claim_of(job_id, caller)
        if not isinstance(claim.job.spec, ImportSpec):
            return
        self.check(twice, self.life(job_id).succeed(claim.owner), lambda: self.store.succeed(claim))

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


def _answer(job: Job) -> tuple[str, str | None]:
    return job.status.value, job.request
