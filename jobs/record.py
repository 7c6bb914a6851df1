"""The job: what the API accepts, Redis holds and a worker carries out."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from core.recipe import PresetName, Recipe
from core.scores import ScoreSheet

Publish = Literal["auto", "always", "never"]


class JobStatus(StrEnum):
    """Where a job is in its life; the transitions are the scripts in `jobs/scripts/`."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """True where nothing changes any more."""
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JobSpec(_Record):
    """What was asked for. It never changes."""

    preset: PresetName
    recipe: Recipe
    publish: Publish


class HealthWarning(_Record):
    """Something that looks wrong with a run, and what may help."""

    kind: str
    step: int = Field(description="When it was last seen.")
    detail: str
    hint: str = Field(description="Which knob may help.")


class BestEpoch(_Record):
    """The epoch whose checkpoint becomes the job's model, unless a better one follows."""

    epoch: int
    frechet_digits: float


class JobProgress(_Record):
    """How far a run is, as its worker last told."""

    epoch: int = Field(description="The epoch under way, from 1.")
    epochs: int
    step: int
    total_steps: int
    kimg: float = Field(description="Thousand real images shown.")
    images_per_s: float
    eta_s: float | None = Field(description="Seconds to the end at the present rate.")
    losses: dict[str, float] = Field(description="loss_d, loss_g, and mean D(x) and D(G(z)) as d_real and d_fake.")
    scores: ScoreSheet | None = Field(None, description="Of the newest checkpoint that was scored.")
    best: BestEpoch | None = Field(None, description="The epoch with the best frechet_digits so far.")
    warnings: list[HealthWarning] = Field(default_factory=list, description="The newest of each kind.")


class JobError(_Record):
    """Why a job failed."""

    type: str
    detail: str
    retryable: bool = Field(description="Whether the same request may succeed another time.")
    log: str = Field("", description="The end of the trainer's log.")


class DeviceMemory(_Record):
    """What a cancelled job's trainer held of its device's memory: before it was ended, and after."""

    before_mb: float
    after_mb: float


class News(NamedTuple):
    """Something to tell of a running job: numbered from 1 in each attempt, so that it is told once."""

    number: int
    type: str
    data: str  # JSON


class Publication(_Record):
    """Whether a job's model became the active one, and why."""

    active: bool
    reason: str


class Job(_Record):
    """The record of a job."""

    id: str
    status: JobStatus
    spec: JobSpec
    attempt: int = Field(description="How often a worker has claimed it.")
    request: Literal["cancel", "pause"] | None = Field(description="What the owner was asked for and has yet to do.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    device: str | None
    progress: JobProgress | None
    error: JobError | None
    model_id: str | None
    publication: Publication | None
    memory: DeviceMemory | None
    event: str = Field(description="The id of the event that told of its last change.")

    @property
    def is_publishing(self) -> bool:
        """Whether its model is on the shelf while the job has yet to succeed."""
        return self.status is JobStatus.RUNNING and self.model_id is not None


class Claim(_Record):
    """A worker's right to a job: the fencing token of one attempt."""

    job: Job
    owner: str
