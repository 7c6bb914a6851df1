"""A job, its events, samples, curves and checkpoints as they go over HTTP, kept apart from their records."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from app.http.urls import url
from core.card import Card
from core.import_options import ImportOptions
from core.recipe import AnyPreset, Recipe
from core.scores import ScoreSheet
from jobs.feed import AnyEvent, JobEvent
from jobs.record import (
    DeviceMemory,
    ImportProgress,
    ImportSpec,
    Job,
    JobError,
    JobProgress,
    JobStatus,
    Publication,
    Publish,
)


class JobLinks(BaseModel):
    """Where to go from a training job."""

    self: str
    events: str
    samples: str
    pairs: str | None = Field(description="Drawn images beside the training images nearest to them, once scored.")
    timelapse: str | None = Field(description="The sample grids of all epochs as an animation, once there are some.")
    curves: str
    checkpoints: str
    logs: str
    cancel: str
    generate: str | None = Field(description="Images from this job's model, once there is one.")


class ImportLinks(BaseModel):
    """Where to go from an import."""

    self: str
    events: str
    logs: str
    cancel: str
    report: str = Field(description="The verdict on the files, once it is there.")
    problems: str
    dataset: str | None = Field(description="The data set, once there is one.")


class _JobView(BaseModel):
    """What all jobs have."""

    id: str
    status: JobStatus
    attempt: int = Field(description="How often a worker has started it.")
    request: Literal["cancel", "pause"] | None = Field(description="What the worker has yet to carry out.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: JobError | None
    caller: str = Field(description="The id of the key that it was asked for with; `anybody` without one.")
    request_id: str = Field(description="Of the request that made it, as in its X-Request-ID.")


class JobView(_JobView):
    """A training job as its owner sees it."""

    kind: Literal["train"] = "train"
    preset: AnyPreset
    publish: Publish
    recipe: Recipe
    dataset_id: str | None = Field(description="The imported data set that it trains on; null for one of IDX files.")
    device: str | None = Field(description="What it trains on.")
    progress: JobProgress | None
    model: str | None = Field(description="The id of the model that came of it.")
    publication: Publication | None = Field(description="Whether the model became its data set's active one, and why.")
    memory: DeviceMemory | None = Field(description="Of a cancelled job: what its trainer held, and what was left.")
    links: JobLinks

    @classmethod
    def from_job(cls, job: Job) -> Self:
        """Translate the record of a training."""
        spec, base, progress = job.training, url(f"/jobs/{job.id}"), job.progress
        assert not isinstance(progress, ImportProgress)
        return cls(
            **_common(job),
            preset=spec.preset,
            publish=spec.publish,
            recipe=spec.recipe,
            dataset_id=spec.dataset_id,
            device=job.device,
            progress=progress,
            model=job.model_id,
            publication=job.publication,
            memory=job.memory,
            links=JobLinks(
                self=base,
                events=f"{base}/events",
                samples=f"{base}/samples",
                pairs=f"{base}/pairs.png" if progress and progress.scores else None,
                timelapse=f"{base}/timelapse" if progress else None,
                curves=f"{base}/curves",
                checkpoints=f"{base}/checkpoints",
                logs=f"{base}/logs",
                cancel=f"{base}/cancel",
                generate=url(f"/generate?model={job.model_id}") if job.model_id else None,
            ),
        )


class ImportJobView(_JobView):
    """An import as its owner sees it."""

    kind: Literal["import"] = "import"
    name: str = Field(description="What the data set is to be called.")
    options: ImportOptions
    dry_run: bool
    upload: str = Field(description="The id of the upload: it can be imported again until an import has succeeded.")
    file: str | None = Field(description="The uploaded file's name, where the client told it.")
    bytes: int
    sha256: str = Field(description="Of the upload.")
    progress: ImportProgress | None
    dataset: str | None = Field(description="The id of the data set that came of it.")
    links: ImportLinks

    @classmethod
    def from_job(cls, job: Job) -> Self:
        """Translate the record of an import."""
        spec, base, progress = job.importing, url(f"/jobs/{job.id}"), job.progress
        assert not isinstance(progress, JobProgress)
        return cls(
            **_common(job),
            **spec.model_dump(exclude={"kind"}),
            progress=progress,
            dataset=job.dataset,
            links=ImportLinks(
                self=base,
                events=f"{base}/events",
                logs=f"{base}/logs",
                cancel=f"{base}/cancel",
                report=f"{base}/report",
                problems=f"{base}/problems",
                dataset=url(f"/datasets/{job.dataset}") if job.status is JobStatus.SUCCEEDED and job.dataset else None,
            ),
        )


AnyJobView = Annotated[JobView | ImportJobView, Field(discriminator="kind")]


def to_view(job: Job) -> JobView | ImportJobView:
    """Translate a record."""
    return ImportJobView.from_job(job) if isinstance(job.spec, ImportSpec) else JobView.from_job(job)


def _common(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in _JobView.model_fields}


class JobPage(BaseModel):
    """Jobs, newest first."""

    data: list[AnyJobView]
    event: str = Field(description="What happens after it is not in here yet: see `GET /events`.")
    has_more: bool
    next: str | None = Field(description="The URL of the next page.")


class Sample(BaseModel):
    """The 64 images at fixed latents after an epoch."""

    epoch: int
    href: str


class SampleList(BaseModel):
    """The sample grids of a job, in order; epoch 0 is before training."""

    data: list[Sample]


class EventView(BaseModel):
    """Something that happened to a job."""

    id: str = Field(description="Greater than those of all events before.")
    type: str
    data: dict[str, Any]

    @classmethod
    def from_event(cls, event: JobEvent) -> Self:
        """Translate an event."""
        return cls(id=str(event.id), type=event.type, data=event.fields)


class EventPage(BaseModel):
    """Events of a job, oldest first."""

    data: list[EventView]
    has_more: bool
    next: str | None = Field(description="The URL of the next page.")


class AnyEventView(EventView):
    """Something that happened to some job."""

    job: str
    event: str = Field(description="Its id among the events of its job.")

    @classmethod
    def from_any(cls, one: AnyEvent) -> Self:
        """Translate an event of the stream of all jobs."""
        event = one.event
        return cls(id=str(one.id), job=one.job_id, event=str(event.id), type=event.type, data=event.fields)


class AnyEventPage(BaseModel):
    """Events of all jobs that the caller may see, oldest first."""

    data: list[AnyEventView]
    gap: bool = Field(description="Whether events before these may be lost: more happened than is kept.")
    has_more: bool
    next: str | None = Field(description="The URL of the next page.")


class CheckpointFile(BaseModel):
    """A file of a checkpoint, to download."""

    href: str
    sha256: str
    bytes: int


class CheckpointView(BaseModel):
    """A checkpoint of a run: what its card says, and its files."""

    id: str = Field(description="The id that its model would have on the shelf.")
    epoch: int
    step: int
    losses: dict[str, float]
    scores: ScoreSheet | None
    files: dict[str, CheckpointFile]
    generate: str = Field(description="Images from it.")


class CheckpointList(BaseModel):
    """The checkpoints of a job, in order."""

    data: list[CheckpointView]


class CurvePoint(BaseModel):
    """An epoch of a run."""

    epoch: int
    kimg: float = Field(description="Thousand real images shown.")
    losses: dict[str, float] = Field(description="Means over the epoch.")
    scores: ScoreSheet | None = Field(description="Of its checkpoint; null when it was not scored.")

    @classmethod
    def from_card(cls, card: Card) -> Self:
        """Take what changes from epoch to epoch."""
        return cls(epoch=card.epoch, kimg=card.kimg, losses=card.losses, scores=card.scores)


class Curves(BaseModel):
    """How a run went, epoch by epoch."""

    data: list[CurvePoint]
