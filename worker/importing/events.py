"""What an importer tells whoever watches it: typed events, one JSON line each.

No NumPy here: the supervisor reads these lines and must stay light.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from core.import_vocabulary import ImportPhase
from core.validation import Legible
from core.vocabulary import FailureKind


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reading(_Event):
    """Where the import is."""

    event: Literal["reading"] = "reading"
    phase: ImportPhase
    done: int = Field(description="How many files or images the phase has behind it.")
    total: int | None = Field(None, description="How many there are, where that is known.")
    problems: int = Field(0, description="How many problems were met so far.")


class Imported(_Event):
    """The data set and its report are in the output folder."""

    event: Literal["imported"] = "imported"
    dataset_id: str


class DryRun(_Event):
    """The report is in the output folder; nothing else was asked for."""

    event: Literal["dry-run"] = "dry-run"


class Rejected(_Event):
    """No data set can be made of what came. The report is in the output folder."""

    event: Literal["rejected"] = "rejected"
    detail: Legible


class Failed(_Event):
    """The import cannot go on, and that is not the source's fault."""

    event: Literal["failed"] = "failed"
    kind: FailureKind
    detail: Legible


Event = Reading | Imported | DryRun | Rejected | Failed
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def parse_event(line: str | bytes) -> Event:
    """Read one JSON line. Raises pydantic.ValidationError when it is not an event."""
    return _ADAPTER.validate_json(line)
