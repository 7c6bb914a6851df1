"""What a trainer tells whoever watches it: typed events, one JSON line each.

No torch here: the supervisor reads these lines and must stay light.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from core.scores import ScoreSheet
from core.validation import Legible
from core.vocabulary import FailureKind, WarningKind


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Started(_Event):
    """The networks stand and the first step is next."""

    event: Literal["started"] = "started"
    device: str
    epochs: int
    total_steps: int
    step: int = Field(description="Steps already done; above 0 the run was resumed.")
    parameters_g: int
    parameters_d: int
    bit_exact: bool = Field(
        True,
        description="The weights will be, byte for byte, those of an unbroken run of this recipe on such a machine. "
        "False for good once a run went on with other versions, other code, another device or number of threads, and "
        "on a GPU.",
    )


class Judging(_Event):
    """The judge of an imported data set is trained, which the first run on it does before its first step."""

    event: Literal["judging"] = "judging"
    epoch: int = Field(description="The epoch under way, from 1.")
    epochs: int
    loss: float | None = Field(None, description="Cross-entropy of the last batch; null once the judge is ready.")
    judge: str | None = Field(None, description="Its id, once it is ready.")
    accuracy: float | None = Field(None, description="Share of the test images that it reads as they are labelled.")


class _Means(_Event):
    step: int
    epoch: int = Field(description="The epoch under way, from 1.")
    kimg: float
    images_per_s: float
    loss_d: float
    loss_g: float
    d_real: float = Field(description="Mean D(x) as a probability.")
    d_fake: float = Field(description="Mean D(G(z)) as a probability.")

    def means(self) -> dict[str, float]:
        """The measured means by name."""
        return {"loss_d": self.loss_d, "loss_g": self.loss_g, "d_real": self.d_real, "d_fake": self.d_fake}


class Progress(_Means):
    """Where the run is. Losses, D's outputs and the rate are means since the last report."""

    event: Literal["progress"] = "progress"


class EpochDone(_Means):
    """An epoch ended: its means, its sample grid and its checkpoint, as paths inside the run directory."""

    event: Literal["epoch"] = "epoch"
    sample: str
    checkpoint: str
    scores: ScoreSheet | None = Field(description="Of its checkpoint; null when it was not scored.")


class Warned(_Event):
    """Something looks wrong, and the run goes on."""

    event: Literal["warning"] = "warning"
    kind: WarningKind
    step: int
    detail: Legible
    hint: str = Field(description="Which knob may help, or what else.")


class Finished(_Event):
    """The recipe is done."""

    event: Literal["finished"] = "finished"
    step: int
    checkpoint: str = Field(description="The one with the best scores; without scores the last.")


class Stopped(_Event):
    """The run was asked to stop; the state on disk is that of `step`."""

    event: Literal["stopped"] = "stopped"
    step: int


class Failed(_Event):
    """The run cannot go on."""

    event: Literal["failed"] = "failed"
    kind: FailureKind
    detail: Legible


Event = Judging | Started | Progress | EpochDone | Warned | Finished | Stopped | Failed
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def parse_event(line: str | bytes) -> Event:
    """Read one JSON line. Raises pydantic.ValidationError when it is not an event."""
    return _ADAPTER.validate_json(line)
