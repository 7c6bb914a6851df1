"""What should become of a job, in plain Python: written from the table in docs/architecture.md, not from the scripts.

Each method is a transition. It returns the answers that the store may give, and changes the life where the transition
happens. Most have one answer; who has let a job go and says so again may hear that it is so, or that it is lost.
"""

from dataclasses import dataclass, field
from typing import Any

from core.errors import JobNotFound, JobStateConflict, LeaseLost
from jobs.record import DeviceMemory, ImportSpec, Job, JobError, JobProgress, JobSpec, NumberedEvent, Publication

TERMINAL = {"succeeded", "failed", "cancelled"}
STRIKES = 3

# What may follow an event that tells of a change of state.
NEXT_STATES: dict[str, set[str]] = {
    "": {"queued"},
    "queued": {"running", "paused", "cancelled"},
    "running": {
        "queued",
        "paused",
        "publishing",
        "succeeded",
        "failed",
        "cancelled",
    },  # a dry run of an import succeeds
    "paused": {"queued", "cancelled"},
    "publishing": {"succeeded"},
    "succeeded": set(),
    "failed": set(),
    "cancelled": set(),
}

Answers = tuple[object, ...]


@dataclass
class Life:
    """A job as it should be. Without a status it is one that does not exist."""

    spec: JobSpec | None = None
    status: str = ""
    attempt: int = 0
    owner: str = ""
    request: str | None = None
    strikes: int = 0
    struck: int = 0  # in its whole life
    device: str | None = None
    progress: JobProgress | None = None
    saved: str | None = None
    error_type: str | None = None
    product: str | None = None  # the id of its model or data set
    publication: Publication | None = None
    memory: DeviceMemory | None = None
    said: list[NumberedEvent] = field(default_factory=list)  # in this attempt
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Finer than the status where that makes a difference to a call, and coarser where it makes none."""
        if self.status in TERMINAL:
            return "ended"
        if self.is_publishing:
            return "publishing"
        if self.status == "running" and self.request:
            return "cancelling" if self.request == "cancel" else "pausing"
        if self.status == "running" and self.strikes == STRIKES - 1:
            return "doomed"
        return "swept" if self.events[-1] == ("queued", {"reason": "worker lost"}) else self.status

    @property
    def is_publishing(self) -> bool:
        return self.status == "running" and self.product is not None

    @property
    def has_lease(self) -> bool:
        return self.status == "running" and self.product is None

    @property
    def end(self) -> str:
        """What counters call its end."""
        return f"failed:{self.error_type}" if self.status == "failed" else self.status

    @property
    def is_import(self) -> bool:
        return isinstance(self.spec, ImportSpec)

    def agrees_with(self, job: Job) -> bool:
        """Whether the record that was read is as it should be."""
        return (
            job.spec == self.spec
            and job.status.value == self.status
            and job.attempt == self.attempt
            and job.request == self.request
            and job.device == self.device
            and job.progress == self.progress
            and job.saved == self.saved
            and (job.error.type if job.error else None) == self.error_type
            and job.model_id == (None if self.is_import else self.product)
            and job.dataset == (self.product if self.is_import else None)
            and job.publication == self.publication
            and job.memory == self.memory
            and job.is_publishing == self.is_publishing
            and (job.started_at is not None) == (self.attempt > 0)
            and (job.finished_at is not None) == (self.status in TERMINAL)
        )

    def create(self, spec: JobSpec) -> None:
        self.spec = spec
        self._queue("created")

    def claim(self, owner: str) -> None:
        self.status, self.owner, self.attempt, self.said = "running", owner, self.attempt + 1, []
        self.events.append(("running", {"attempt": self.attempt}))

    def beat(
        self,
        owner: str,
        device: str | None,
        progress: JobProgress | None,
        checkpointed: bool,
        said: list[NumberedEvent],
        saved: str | None,
    ) -> Answers:
        if not self._is_held_by(owner):
            return ("lost",)
        self.device, self.progress = device or self.device, progress or self.progress
        self.saved = saved or self.saved
        self.strikes = 0 if checkpointed else self.strikes
        for event in said:
            if event not in self.said:
                self.said.append(event)
                self.events.append((event.type, {"text": event.data.split('"')[3]}))
        return (self.request or "ok",)

    def commit(self, owner: str, product: str) -> Answers:
        if self.is_publishing and self.owner == owner and self.product == product:
            return ("ok",)
        if not self._is_held_by(owner):
            return (LeaseLost,)
        if self.request == "cancel":
            return ("cancel",)
        self.product, self.request = product, None
        self.events.append(("publishing", {"dataset" if self.is_import else "model": product}))
        return ("ok",)

    def publish(self, product: str, publication: Publication | None) -> Answers:
        if self.product != product:
            return (LeaseLost,)
        if self.status != "succeeded":
            self.publication = publication
            self._end("succeeded")
        return (None,)

    def succeed(self, owner: str) -> Answers:
        if not self._is_held_by(owner):
            return (LeaseLost, "ok") if self._was_let_go_by(owner) else (LeaseLost,)
        if self.request == "cancel":
            return ("cancel",)
        self._end("succeeded")
        return ("ok",)

    def fail(self, owner: str, error: JobError) -> Answers:
        if not self._is_held_by(owner):
            return (LeaseLost, None) if self._was_let_go_by(owner) else (LeaseLost,)
        self.error_type = error.type
        self._end("failed")
        return (None,)

    def acknowledge_cancel(self, owner: str, memory: DeviceMemory | None) -> Answers:
        if not self._is_held_by(owner):
            return (LeaseLost, None) if self._was_let_go_by(owner) else (LeaseLost,)
        self.memory = memory
        self._end("cancelled")
        return (None,)

    def release(self, owner: str) -> Answers:
        if not self._is_held_by(owner):
            return (LeaseLost, self.status) if self._was_let_go_by(owner) else (LeaseLost,)
        self._let_go("released")
        return (self.status,)

    def strike(self, owner: str, error: JobError) -> Answers:
        if not self._is_held_by(owner):
            return (LeaseLost, self.status) if self._was_let_go_by(owner) else (LeaseLost,)
        self._strike("importer lost" if self.is_import else "trainer lost", error.type)
        return (self.status,)

    def sweep(self) -> str:
        """Its lease has expired, and somebody saw it."""
        self.owner = ""
        self._strike("worker lost", "worker-lost")
        return self.status

    def cancel(self) -> Answers:
        if not self.status:
            return (JobNotFound,)
        if self.status in ("succeeded", "failed") or self.is_publishing:
            return (JobStateConflict,)
        if self.status == "running" and self.request != "cancel":
            self._ask("cancel")
        elif self.status in ("queued", "paused"):
            self._end("cancelled")
        return ((self.status, self.request),)

    def pause(self) -> Answers:
        if not self.status:
            return (JobNotFound,)
        if self.status in TERMINAL or self.is_publishing or self.request == "cancel":
            return (JobStateConflict,)
        if self.status == "running" and self.request is None:
            self._ask("pause")
        elif self.status == "queued":
            self._pause()
        return ((self.status, self.request),)

    def resume(self) -> Answers:
        if not self.status:
            return (JobNotFound,)
        if self.status == "running" and self.request == "pause":
            self._ask(None)
        elif self.status == "paused":
            self._queue("resumed")
        elif self.status != "queued":
            return (JobStateConflict,)
        return ((self.status, self.request),)

    def delete(self) -> Answers:
        if not self.status:
            return (JobNotFound,)
        return (None,) if self.status in TERMINAL else (JobStateConflict,)

    def _is_held_by(self, owner: str) -> bool:
        return self.has_lease and self.owner == owner

    def _was_let_go_by(self, owner: str) -> bool:
        return self.status not in ("", "running") and self.product is None and self.owner == owner

    def _strike(self, reason: str, error_type: str) -> None:
        self.strikes += 1
        self.struck += 1
        if self.strikes >= STRIKES and self.request != "cancel":
            self.error_type = error_type
            self._end("failed")
        else:
            self._let_go(reason)

    def _let_go(self, reason: str) -> None:
        match self.request:
            case "cancel":
                self._end("cancelled")
            case "pause":
                self._pause()
            case _:
                self._queue(reason)

    def _ask(self, request: str | None) -> None:
        self.request = request
        self.events.append(("requested", {"request": request}))

    def _queue(self, reason: str) -> None:
        self.status = "queued"
        self.events.append(("queued", {"reason": reason}))

    def _pause(self) -> None:
        self.status, self.request = "paused", None
        self.events.append(("paused", {}))

    def _end(self, status: str) -> None:
        self.status, self.request = status, None
        self.events.append((status, {}))
