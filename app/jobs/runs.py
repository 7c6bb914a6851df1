"""The files that a job's attempts left, as routes read them."""

import logging
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from fastapi import Depends

from app.http.dependencies import ServicesDep
from app.http.services import Services
from app.jobs.own import SeenJobDep
from core.card import CARD, Card, read_card
from core.errors import CheckpointError, ObjectNotFound
from jobs.record import Job
from sharing.run_files import LAYOUT, RunFiles

logger = logging.getLogger(__name__)

FOR_EVER = "public, max-age=31536000, immutable"


class JobRuns(NamedTuple):
    """A job, and the files of its attempts, the newest first."""

    job: Job
    attempts: list[RunFiles]

    @property
    def newest(self) -> RunFiles:
        """The files to read: while a new attempt has none yet, those of the one before."""
        return self.attempts[0]

    @property
    def caching(self) -> str:
        """Until a job has ended an epoch may come again, on another device or by other code."""
        return FOR_EVER if self.job.status.is_terminal else "no-cache"

    def cards(self) -> Iterator[Card]:
        """The cards of the checkpoints that can be read, in the order of their epochs."""
        names = [LAYOUT.checkpoint(epoch) / CARD for epoch in self.newest.checkpoint_epochs()]
        self.newest.fetch(names)
        for name in names:
            card = self.newest.find(name)
            try:
                if card is not None:  # else an epoch that comes again replaces it just now
                    yield read_card(card.parent)
            except CheckpointError as error:
                logger.warning("job %s: a checkpoint is left out: %s", self.job.id, error)


def runs_of(job: Job, services: Services) -> JobRuns:
    """The files of a job. Raises JobNotFound where it was deleted meanwhile, and StoreError."""
    try:
        return JobRuns(job, services.runs.files(job))
    except ObjectNotFound:  # more was saved since the record was read
        job = services.store.get(job.id)
        return JobRuns(job, services.runs.files(job))


def _runs(job: SeenJobDep, services: ServicesDep) -> JobRuns:
    return runs_of(job, services)


RunsDep = Annotated[JobRuns, Depends(_runs)]
