"""What the processes of the API count together, in memory that they share from before they were forked."""

from dataclasses import dataclass, fields
from typing import Self

from access.shared_buckets import Buckets
from app.drawing.shared_counts import SharedCounts
from app.metrics.meters import Meters
from app.slots import Slots
from core.settings import Settings


@dataclass(frozen=True)
class Shared:
    """Each process writes a part of its own, and reads all of it."""

    waiting: SharedCounts  # images that are to be drawn
    streams: Slots  # held by event streams and long polls
    connections: Slots
    meters: Meters  # what was done
    buckets: Buckets  # what callers take

    @classmethod
    def of(cls, settings: Settings, processes: int = 1, connections: int | None = None) -> Self:
        """For so many processes. `connections` is how many may be open; None is as the settings say."""
        return cls(
            waiting=SharedCounts(processes),
            streams=Slots(settings.max_streams, processes),
            connections=Slots(connections or settings.max_connections, processes),
            meters=Meters(processes),
            buckets=Buckets(processes),
        )

    def become(self, number: int) -> None:
        """Be the process with this number from now on."""
        for field in fields(self):
            getattr(self, field.name).become(number)
