"""The job: what the API accepts, Redis holds and a worker carries out.

Versions meet in Redis: an API may read what a newer worker wrote, or an older one. So a record ignores what it does not
know, and words of a vocabulary are text in it. What comes from outside is checked before it becomes a record.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import from_json

from core.access import ANYBODY_ID
from core.datasets import DatasetName
from core.import_options import ImportOptions
from core.recipe import AnyPreset, Recipe
from core.scores import Measure, ScoreSheet
from core.vocabulary import EventType, FailureKind

Publish = Literal["auto", "always", "never"]

# How Redis holds a record: a hash of texts, some of them JSON, and times as whole numbers.
JSON_FIELDS = ("spec", "progress", "error", "memory", "publication")
TIMES_MS = {"started_ms": "started_at", "finished_ms": "finished_at"}


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
    model_config = ConfigDict(frozen=True, extra="ignore")


class TrainSpec(_Record):
    """A training that was asked for. It never changes. Its JSON has no `kind`, as in versions without imports."""

    kind: Literal["train"] = Field("train", exclude=True)
    preset: AnyPreset
    recipe: Recipe
    publish: Publish
    dataset_id: str | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="The imported data set that the recipe's name stood for; null for a folder of IDX files.",
    )
    unknown_knobs: tuple[str, ...] = Field(
        (), exclude=True, description="Of a newer version: nobody here can train so."
    )

    @model_validator(mode="before")
    @classmethod
    def _set_unknown_knobs_apart(cls, values: Any) -> Any:
        return _set_apart(values, "recipe", Recipe, "unknown_knobs")

    def request(self) -> str:
        """What makes two requests the same one."""
        return self.model_dump_json()


class ImportSpec(_Record):
    """An import that was asked for. It never changes."""

    kind: Literal["import"] = "import"
    name: DatasetName = Field(description="What the data set is to be called.")
    options: ImportOptions
    upload: str = Field(description="The id of the upload that is imported.")
    file: str | None = Field(None, description="The uploaded file's name, where the client told it.")
    bytes: int
    sha256: str = Field(description="Of the upload.")
    dry_run: bool = Field(False, description="Whether a report is all that is asked for.")
    unknown_options: tuple[str, ...] = Field(
        (), exclude=True, description="Of a newer version: nobody here can import so."
    )

    @model_validator(mode="before")
    @classmethod
    def _set_unknown_options_apart(cls, values: Any) -> Any:
        return _set_apart(values, "options", ImportOptions, "unknown_options")

    def request(self) -> str:
        """What makes two requests the same one: the file and what is asked, though it is uploaded anew with each."""
        return self.model_dump_json(exclude={"upload"})


JobSpec = TrainSpec | ImportSpec
JobKind = Literal["train", "import"]


def _kind_of(spec: Any) -> str | None:
    return spec.get("kind", "train") if isinstance(spec, dict) else getattr(spec, "kind", None)


AnySpec = Annotated[Annotated[TrainSpec, Tag("train")] | Annotated[ImportSpec, Tag("import")], Discriminator(_kind_of)]


class HealthWarning(_Record):
    """Something that looks wrong with a run, and what may help."""

    kind: str
    step: int = Field(description="When it was last seen.")
    detail: str
    hint: str = Field(description="Which knob may help.")


class BestEpoch(_Record):
    """The epoch whose checkpoint becomes the job's model, unless a better one follows."""

    epoch: int
    frechet: float = Field(validation_alias=AliasChoices("frechet", "frechet_digits"))  # its name up to 0.1
    kid: float | None = None
    compared_by: Measure = "frechet"

    @classmethod
    def of(cls, epoch: int, scores: ScoreSheet) -> Self:
        """An epoch with these scores."""
        return cls(epoch=epoch, frechet=scores.frechet, kid=scores.kid, compared_by=scores.compared_by)

    @property
    def compared(self) -> float:
        """The score that decides: lower is better."""
        return self.frechet if self.kid is None or self.compared_by == "frechet" else self.kid


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
    best: BestEpoch | None = Field(
        None, description="The epoch with the best scores so far, by what `compared_by` names."
    )
    warnings: list[HealthWarning] = Field(default_factory=list, description="The newest of each kind.")


class ImportProgress(_Record):
    """How far an import is, as its worker last told."""

    phase: str = Field(description="An ImportPhase.")
    done: int = Field(description="How many files or images the phase has behind it.")
    total: int | None = Field(description="How many there are, where that is known.")
    problems: int = Field(description="How many problems were met so far.")
    warnings: list[HealthWarning] = Field(default_factory=list, description="The newest of each kind.")


class JobError(_Record):
    """Why a job failed."""

    type: str
    detail: str
    retryable: bool = Field(description="Whether the same request may succeed another time.")
    log: str = Field("", description="The end of the log of the program that failed.")

    @classmethod
    def of(cls, kind: FailureKind, detail: str, log: str = "") -> Self:
        """The error of a kind, which says whether it is worth another try."""
        return cls(type=kind.value, detail=detail, retryable=kind.is_retryable, log=log)


class DeviceMemory(_Record):
    """What a cancelled job's trainer held of its device's memory: before it was ended, and after."""

    before_mb: float
    after_mb: float


class NumberedEvent(NamedTuple):
    """An event of a running job that is to be told: numbered from 1 in each attempt, so that it is told once."""

    number: int
    type: EventType
    data: str  # a JSON object


class JobOrigin(NamedTuple):
    """The request that made a job, as its record keeps it."""

    caller: str = ANYBODY_ID
    request_id: str = ""
    traceparent: str = ""  # of W3C's Trace Context

    def fields(self) -> dict[str, str]:
        """What there is of it, by name."""
        return {name: value for name, value in self._asdict().items() if value}


class Publication(_Record):
    """Whether a job's model became the active one, and why."""

    active: bool
    reason: str


class Job(_Record):
    """The record of a job."""

    id: str
    status: JobStatus
    spec: AnySpec
    attempt: int = Field(description="How often a worker has claimed it.")
    request: Literal["cancel", "pause"] | None = Field(description="What the owner was asked for and has yet to do.")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    device: str | None = None
    progress: JobProgress | ImportProgress | None = None
    error: JobError | None = None
    model_id: str | None = None
    dataset: str | None = Field(None, description="The id of the data set that came of an import.")
    publication: Publication | None = None
    memory: DeviceMemory | None = None
    saved: str | None = Field(
        None, description="The key of the newest list of its run's files, in the store that machines share."
    )
    event: str = Field(description="The id of the event that told of its last change.")
    caller: str = Field(ANYBODY_ID, description="The id of the key that it was asked for with.")
    request_id: str = Field("", description="Of the request that made it.")
    traceparent: str = Field("", description="Of that request.")

    @classmethod
    def from_hash(cls, fields: dict[str, str]) -> Self:
        """Read a record as Redis holds it."""
        values: dict[str, Any] = dict(fields)
        values |= {name: from_json(fields[name]) for name in JSON_FIELDS if name in fields}
        values |= {name: _to_time(fields[field]) for field, name in TIMES_MS.items() if field in fields}
        values["created_at"] = _to_time(int(fields["created_us"]) // 1000)
        values["request"] = fields["request"] or None
        return cls.model_validate(values)

    @property
    def training(self) -> TrainSpec:
        """The spec of a job that is known to be a training."""
        assert isinstance(self.spec, TrainSpec)
        return self.spec

    @property
    def importing(self) -> ImportSpec:
        """The spec of a job that is known to be an import."""
        assert isinstance(self.spec, ImportSpec)
        return self.spec

    @property
    def is_publishing(self) -> bool:
        """Whether it is committed to its model or data set while it has yet to succeed."""
        return self.status is JobStatus.RUNNING and (self.model_id or self.dataset) is not None


class Claim(_Record):
    """A worker's right to a job: the fencing token of one attempt."""

    job: Job
    owner: str


def _set_apart(values: Any, field: str, model: type[BaseModel], unknown: str) -> Any:
    """Take what is not known out of a model that refuses it: a job of a newer version is to be seen all the same."""
    given = values.get(field) if isinstance(values, dict) else None
    if not isinstance(given, dict):
        return values
    known = {name: value for name, value in given.items() if name in model.model_fields}
    return {**values, field: known, unknown: tuple(name for name in given if name not in known)}


def _to_time(milliseconds: str | int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
