"""What an importer's events make of a job: its progress, and what of it is worth telling. Pure, no Redis."""

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from core.vocabulary import EventType
from jobs.record import HealthWarning, ImportProgress, NumberedEvent
from worker.importing.events import DryRun, Event, Imported, Reading
from worker.progress import with_warning
from worker.training.events import Warned


@dataclass(frozen=True)
class ImportRun:
    """What is known of an import after some of its events."""

    progress: ImportProgress | None = None
    warnings: tuple[HealthWarning, ...] = ()  # the newest of each kind
    told: tuple[NumberedEvent, ...] = ()  # what the newest event is to be told as
    n_told: int = 0
    device: None = None
    checkpointed: bool = False  # there is nothing to go on from

    def after(self, event: Event | Warned) -> Self:
        """The same after one more event. A warning is of its supervisor, which waits for space."""
        before = replace(self, told=())
        match event:
            case Reading():
                return before._at(event)
            case Warned():
                warnings, is_news = with_warning(self.warnings, event)
                progress = self.progress and self.progress.model_copy(update={"warnings": list(warnings)})
                now = replace(before, warnings=warnings, progress=progress)
                said = event.model_dump(mode="json", exclude={"event"})
                return now._telling(EventType.WARNING, said) if is_news else now
            case Imported() | DryRun() if self.progress and self.progress.total:
                return replace(before, progress=self.progress.model_copy(update={"done": self.progress.total}))
        return before

    @property
    def step(self) -> int:
        """How many files or images the phase has behind it."""
        return self.progress.done if self.progress else 0

    def _at(self, event: Reading) -> Self:
        told = event.model_dump(mode="json", exclude={"event"})
        progress = ImportProgress(**told, warnings=list(self.warnings))
        return replace(self, progress=progress)._telling(EventType.PROGRESS, told)

    def _telling(self, type_: EventType, data: dict[str, Any]) -> Self:
        event = NumberedEvent(self.n_told + 1, type_, json.dumps(data))
        return replace(self, told=(*self.told, event), n_told=event.number)
