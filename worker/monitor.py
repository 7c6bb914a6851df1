"""The heartbeat of a run: renews the lease, saves the progress, tells the events, and hears what is asked for."""

import logging
import time
from typing import Generic, Protocol, Self, TypeVar

from redis import RedisError

from core.vocabulary import Answer, EventType
from jobs.record import Claim, ImportProgress, JobProgress, NumberedEvent
from jobs.store import JobStore

KEPT_EVENTS = 1000  # while Redis is away

logger = logging.getLogger(__name__)


E = TypeVar("E")
Told = TypeVar("Told", contravariant=True)


class Run(Protocol[Told]):
    """What is known of a run after some of its events, which are of type `Told`."""

    @property
    def progress(self) -> JobProgress | ImportProgress | None:
        """As the job's record has it."""

    @property
    def told(self) -> tuple[NumberedEvent, ...]:
        """What the newest event is to be told as."""

    @property
    def device(self) -> str | None:
        """What it runs on."""

    @property
    def step(self) -> int:
        """The newest step that is known."""

    @property
    def checkpointed(self) -> bool:
        """Whether with the newest event there is more to go on from."""

    def after(self, event: Told) -> Self:
        """The same after one more event."""


class Saves(Protocol):
    """What is saved of a run for other machines while it goes on."""

    @property
    def untold(self) -> str | None:
        """The key of the newest list, until the job's record names it."""

    def told(self, key: str) -> None:
        """The record names this list now."""


class RunMonitor(Generic[E]):
    """Follows one run from its events, and keeps its job's record up to date. `run` is as before the first of them."""

    def __init__(self, store: JobStore, claim: Claim, heartbeat_s: float, run: Run[E]) -> None:
        self._store, self._claim, self._heartbeat_s, self._run = store, claim, heartbeat_s, run
        self._checkpointed = False
        self._untold: list[NumberedEvent] = []  # as far as is known
        self._beat_at = 0.0
        self._heard_at = time.monotonic()
        self.last: E | None = None  # the latest event
        self.saves: Saves | None = None
        self.request = Answer.OK  # the latest answer to a beat: cancel, pause, lost, or ok for none

    def handle(self, event: E | None) -> None:
        """Take in an event, or None for a tick, and beat when it is time."""
        if event is not None:
            self.last, self._heard_at = event, time.monotonic()
            self._take_in(event)
        if time.monotonic() >= self._beat_at:
            self.beat()

    def tick(self) -> None:
        """Beat when it is time."""
        self.handle(None)

    def add(self, event: E) -> None:
        """Take in an event that did not come from the program."""
        self._take_in(event)

    @property
    def device(self) -> str | None:
        """What it runs on, where the program said so."""
        return self._run.device

    @property
    def step(self) -> int:
        """The newest step that is known."""
        return self._run.step

    @property
    def images_per_s(self) -> float:
        """How fast it trains; 0 where that is not known, and of what is no training."""
        progress = self._run.progress
        return progress.images_per_s if isinstance(progress, JobProgress) else 0.0

    @property
    def silent_s(self) -> float:
        """How long ago the program said something last."""
        return time.monotonic() - self._heard_at

    def beat(self) -> None:
        """Beat now. Redis being away is only logged."""
        saved = self.saves.untold if self.saves else None
        try:
            self.request = self._store.beat(
                self._claim,
                device=self.device,
                progress=self._run.progress,
                checkpointed=self._checkpointed,
                events=self._untold,
                saved=saved,
            )
        except RedisError as error:
            logger.warning("job %s: beat missed, the run goes on: %s", self._claim.job.id, error)
        else:
            self._checkpointed, self._untold = False, []
            if self.saves and saved is not None and self.request is not Answer.LOST:
                self.saves.told(saved)
        self._beat_at = time.monotonic() + self._heartbeat_s  # from the answer on, however late it came

    def _take_in(self, event: E) -> None:
        self._run = self._run.after(event)
        self._checkpointed |= self._run.checkpointed
        for told in self._run.told:
            self._queue(told)

    def _queue(self, event: NumberedEvent) -> None:
        if event.type is EventType.PROGRESS:  # only the newest is worth telling
            self._untold = [one for one in self._untold if one.type is not EventType.PROGRESS]
        self._untold = [*self._untold, event][-KEPT_EVENTS:]
