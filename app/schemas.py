"""The wire format: what goes over HTTP, kept apart from the records it is made of."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.formats import Format
from app.urls import url
from core.events import JobEvent
from core.jobs import DeviceMemory, Job, JobError, JobProgress, JobSpec, JobStatus, Publication, Publish
from models.card import Card
from models.recipe import MAX_SEED, PRESETS, PresetName, Recipe, Seed, with_preset
from models.scores import ScoreSheet


class TrainRequest(Recipe):
    """A training job: a preset, any knob of the recipe laid over it, and what to do with the result.

    Every field may be left out; without a preset it is `quality`, whose values are the defaults shown.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"preset": "smoke"}, {"preset": "faithful", "epochs": 5, "seed": 7}]}
    )

    preset: PresetName = Field("quality", description="The recipe to start from.")
    publish: Publish = Field(
        "auto",
        description="Whether the finished model becomes the active one; `auto`: unless it is worse by its scores.",
    )

    @model_validator(mode="before")
    @classmethod
    def _lay_over_preset(cls, values: Any) -> Any:
        preset = values.get("preset", "quality") if isinstance(values, dict) else None
        return with_preset(preset, values) if isinstance(preset, str) and preset in PRESETS else values

    def to_spec(self) -> JobSpec:
        """The job that this asks for."""
        recipe = Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})
        return JobSpec(preset=self.preset, recipe=recipe, publish=self.publish)


class GridQuery(BaseModel):
    """Which images, and how they are laid out. The fields stand in the order of the canonical URL."""

    model_config = ConfigDict(extra="forbid")

    n: int = Field(16, ge=1, le=256, description="How many images.")
    seed: Seed | None = Field(None, description="The same seed gives the same images; without one the server draws it.")
    interpolate: str | None = Field(
        None,
        pattern="^[0-9]{1,16},[0-9]{1,16}$",
        description="Two seeds, as in `3,9`: a walk from the images of the one to those of the other.",
    )
    frames: int = Field(24, ge=2, le=128, description="Pictures of the walk.")
    start: int = Field(0, ge=0, le=MAX_SEED - 256, description="Number of the first image of the seed.")
    digit: str | None = Field(
        None,
        pattern="^[0-9]{1,256}$",
        description="Which digit; of several, such as `0123456789`, image k is the k-th.",
    )
    cols: int | None = Field(None, ge=1, le=256, description="Images in a row; the smallest square without it.")
    pad: int = Field(2, ge=0, le=32, description="Pixels of background between images.")
    scale: int = Field(1, ge=1, le=8, description="How often each pixel is repeated in both directions.")
    invert: bool = Field(False, description="Black on white.")
    truncation: float = Field(
        1.0, ge=0, le=1, allow_inf_nan=False, description="Scales z: less draws images that are more alike."
    )
    format: Format | None = Field(
        None,
        description="A grid (`png`, `webp` without loss), or each image by itself: PNGs in a `zip` or in `json`, "
        "an array of NumPy in `npz`; with `interpolate` a moving grid (`webp`, `gif`). Without it, as `Accept` says; "
        "the first of them where it does not.",
    )
    model: str | None = Field(None, max_length=64, description="A model's id; without one it is the active model.")
    judge: str | None = Field(
        None,
        pattern="^[0-9a-f]{16}$",
        description="The id of the judge that picks a `digit` for a model without classes; any other is refused.",
    )

    @field_validator("interpolate")
    @classmethod
    def _two_seeds(cls, value: str | None) -> str | None:
        if value is not None:
            first, last = map(int, value.split(","))
            if first == last or max(first, last) > MAX_SEED:
                raise PydanticCustomError("two_seeds", "allowed: two different seeds from 0 to 9007199254740991")
            return f"{first},{last}"
        return value

    @model_validator(mode="after")
    def _columns_within_n(self) -> Self:
        if self.cols is not None and self.cols > self.n:
            raise PydanticCustomError(
                "too_many_columns",
                "Input should be less than or equal to n, which is {n}",
                {"n": self.n, "cols": self.cols, "field": "cols"},
            )
        return self

    @property
    def digits(self) -> list[int] | None:
        """The wanted digits, one an image, cycling; None for whatever comes."""
        return None if self.digit is None else [int(digit) for digit in self.digit]

    @property
    def walk(self) -> tuple[int, int] | None:
        """The seeds to walk from and to; None for a picture that stands still."""
        if self.interpolate is None:
            return None
        first, last = map(int, self.interpolate.split(","))
        return first, last


class ImageView(BaseModel):
    """An image by itself."""

    seed: int
    k: int = Field(description="Its number among the images of the seed.")
    png: str = Field(description="The PNG in base64.")
    url: str = Field(description="What draws this PNG again.")


class ImagesView(BaseModel):
    """Images as JSON."""

    model: str
    seed: int
    images: list[ImageView]


class Inspection(BaseModel):
    """What a PNG says of itself."""

    model: str
    on_shelf: bool = Field(description="Whether the model is on this server's shelf.")
    seed: int
    start: int = Field(description="Number of its first image among those of the seed.")
    n: int
    digit: str | None = Field(description="Which digits were asked for; null for whatever came.")
    judge: str | None = Field(description="The judge that picked them; null where the file names none.")
    url: str = Field(description="What draws the same bytes again, from the root of a server.")


class OpenAIErrorBody(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str = Field(description="The type of the problem.")


class OpenAIError(BaseModel):
    """An error in OpenAI's shape."""

    error: OpenAIErrorBody


class JobLinks(BaseModel):
    """Where to go from a job."""

    self: str
    events: str
    samples: str
    curves: str
    checkpoints: str
    logs: str
    cancel: str
    generate: str | None = Field(description="Images from this job's model, once there is one.")


class JobView(BaseModel):
    """A job as its owner sees it."""

    id: str
    status: JobStatus
    preset: PresetName
    publish: Publish
    recipe: Recipe
    attempt: int = Field(description="How often a worker has started it.")
    request: Literal["cancel", "pause"] | None = Field(description="What the worker has yet to carry out.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    device: str | None = Field(description="What it trains on.")
    progress: JobProgress | None
    error: JobError | None
    model: str | None = Field(description="The id of the model that came of it.")
    publication: Publication | None = Field(description="Whether the model became the active one, and why.")
    memory: DeviceMemory | None = Field(description="Of a cancelled job: what its trainer held, and what was left.")
    links: JobLinks

    @classmethod
    def from_job(cls, job: Job) -> Self:
        """Translate a record."""
        base = url(f"/jobs/{job.id}")
        return cls(
            **{name: getattr(job, name) for name in cls.model_fields.keys() & Job.model_fields.keys()},
            preset=job.spec.preset,
            publish=job.spec.publish,
            recipe=job.spec.recipe,
            model=job.model_id,
            links=JobLinks(
                self=base,
                events=f"{base}/events",
                samples=f"{base}/samples",
                curves=f"{base}/curves",
                checkpoints=f"{base}/checkpoints",
                logs=f"{base}/logs",
                cancel=f"{base}/cancel",
                generate=url(f"/generate?model={job.model_id}") if job.model_id else None,
            ),
        )


class JobPage(BaseModel):
    """Jobs, newest first."""

    data: list[JobView]
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


class ModelView(BaseModel):
    """A model on the shelf."""

    id: str
    active: bool
    card: Card
    generate: str = Field(description="Images from this model.")

    @classmethod
    def from_card(cls, card: Card, active: str) -> Self:
        """Translate a checkpoint's card."""
        model_id = card.model_id
        return cls(id=model_id, active=model_id == active, card=card, generate=url(f"/generate?model={model_id}"))


class ModelList(BaseModel):
    """The shelf, newest first."""

    data: list[ModelView]
    active: str
    previous: str | None = Field(description="The one that was active before; `PUT /models/active` goes back to it.")


class ActivateRequest(BaseModel):
    """Which model `/generate` draws from."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"model": "0011223344556677"}, {"model": "previous"}]}
    )

    model: str = Field(max_length=64, description="A model's id, or `previous`: the one that was active before.")


class Health(BaseModel):
    """The process is alive."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether images can be drawn, and what else is there."""

    ready: bool
    model: str | None = Field(description="The active model, loaded and warm.")
    redis: bool = Field(description="Whether the job store answers; images are drawn without it too.")
