"""Checkpoints of jobs as what draws: `model=<job>@<epoch>`, for whoever may see the job.

A checkpoint draws as the model of the same weights does, whose id it has: both are one model in memory.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from fastapi.concurrency import run_in_threadpool

from app.drawing.model_cache import ModelCache
from app.http.bearer import not_allowed
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from app.http.services import Services
from app.jobs.runs import JobRuns, runs_of
from core.access import Caller, Scope
from core.card import CARD, GENERATOR, Card, read_card
from core.errors import CheckpointError, JobNotFound
from jobs.record import Job, JobProgress
from models.checkpoint import load_generator
from models.dcgan import Generator
from models.folding import FoldedGenerator
from sharing.run_files import LAYOUT

TRIES = 3

Answer = TypeVar("Answer")

_NAME = re.compile(r"([0-9a-f]{16})@([1-9][0-9]{0,8}|best|latest)")


class Checkpoint(NamedTuple):
    """A checkpoint as its card was just now."""

    runs: JobRuns
    card: Card

    @property
    def name(self) -> str:
        """What a URL calls it."""
        return f"{self.runs.job.id}@{self.card.epoch}"

    @property
    def is_lasting(self) -> bool:
        """Whether its name means these weights for ever: until a job has ended an epoch may come again."""
        return self.runs.job.status.is_terminal

    async def generator(self, models: ModelCache) -> FoldedGenerator:
        """What draws. Raises CheckpointError where its file is damaged or another one by now, and Overloaded."""
        return await models.get_read(self.card.model_id, self._read)

    def _read(self) -> Generator:
        path = self.runs.newest.find(LAYOUT.checkpoint(self.card.epoch) / GENERATOR)
        if path is None:
            raise CheckpointError(f"the checkpoint {self.name} is gone: it came again just now")
        return load_generator(path.parent, self.card)


def is_name(model: str | None) -> bool:
    """Whether a query names a checkpoint of a job, rather than a model on the shelf."""
    return model is not None and _NAME.fullmatch(model) is not None


def is_whole_name(model: str) -> bool:
    """Whether it does so by the number of an epoch, as `Checkpoint.name` does."""
    return is_name(model) and model[-1].isdecimal()


async def find_checkpoint(services: Services, caller: Caller, name: str) -> Checkpoint:
    """The checkpoint of a name that `is_name`.

    Raises ProblemError (403 without the scope, 404 without such a checkpoint), JobNotFound, CheckpointError for a card
    that cannot be read, and StoreError.
    """
    if not caller.may(Scope.JOBS_READ):
        raise not_allowed(caller, Scope.JOBS_READ)
    return await run_in_threadpool(partial(_find, services, caller, name))


async def while_it_comes_again(draw: Callable[[], Awaitable[Answer]]) -> Answer:
    """What `draw` gives, tried again where what it read of a checkpoint was replaced between card and weights.

    Raises as `draw` does the last time.
    """
    for _ in range(TRIES - 1):
        with suppress(CheckpointError):
            return await draw()
    return await draw()


def _find(services: Services, caller: Caller, name: str) -> Checkpoint:
    job_id, _, wanted = name.partition("@")
    job = services.store.get(job_id)
    if not caller.may_see(job.caller):
        raise JobNotFound(f"no job {job_id!r}")
    runs = runs_of(job, services)
    epochs = runs.newest.checkpoint_epochs()
    epoch = _epoch(runs.job, wanted, epochs)
    path = runs.newest.find(LAYOUT.checkpoint(epoch) / CARD) if epoch in epochs else None
    if path is None:
        raise ProblemError(ProblemType.NOT_FOUND, _missing(runs.job, wanted, epochs))
    return Checkpoint(runs, read_card(path.parent))


def _epoch(job: Job, wanted: str, epochs: list[int]) -> int | None:
    if wanted == "latest":
        return epochs[-1] if epochs else None
    if wanted == "best":
        best = job.progress.best if isinstance(job.progress, JobProgress) else None
        return best.epoch if best else None
    return int(wanted)


def _missing(job: Job, wanted: str, epochs: list[int]) -> str:
    if wanted == "best" and epochs:
        return f"job {job.id} has no best epoch yet: none was scored; there are checkpoints of the epochs: {epochs}"
    which = "no checkpoint yet" if wanted in ("latest", "best") else f"no checkpoint of epoch {wanted}"
    there = f"; there are: {epochs}" if epochs else ""
    published = f"; its model is {job.model_id}" if job.model_id else ""
    return f"job {job.id} has {which}{there}{published}"
