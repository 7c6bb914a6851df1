"""Room for weights on a machine: those of models that nobody has drawn from for longest go, and are fetched again.

The models that are active, or were just before, stay: a machine draws from them while the store is away.
"""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.card import DISCRIMINATOR, GENERATOR
from core.errors import ModelNotFound
from models.finished_models import MODEL_ID
from models.shelf import Shelf

MOST_BYTES = 4 << 30  # about a thousand models
EVERY_S = 60.0
IN_USE_S = 300.0  # weights that were fetched or read lately may be read at this moment

logger = logging.getLogger(__name__)


class _Weights(NamedTuple):
    used_at: float  # seconds since 1970
    model_id: str
    bytes: int


class Eviction:
    """Keeps the weights in a machine's copy of the shelf below a number of bytes."""

    def __init__(self, root: Path, shelf: Shelf, most_bytes: int = MOST_BYTES, in_use_s: float = IN_USE_S) -> None:
        self._root, self._shelf, self._most_bytes, self._in_use_s = root, shelf, most_bytes, in_use_s
        self._looked_at = -EVERY_S

    def now_and_then(self) -> None:
        """Make room, at most once a minute. Raises OSError."""
        if time.monotonic() - self._looked_at >= EVERY_S:
            self._looked_at = time.monotonic()
            self.make_room()

    def make_room(self) -> list[str]:
        """Remove weights down to the bound; the ids of their models. Raises OSError."""
        found = sorted(self._weights())
        too_many, removed = sum(one.bytes for one in found) - self._most_bytes, list[str]()
        for one in found:
            if too_many <= 0 or time.time() - one.used_at < self._in_use_s:
                break
            if not self._shelf.uses(one.model_id):
                self._remove(one.model_id)
                removed.append(one.model_id)
                too_many -= one.bytes
        if removed:
            logger.info("the weights of %d models were removed here; the store has them", len(removed))
        return removed

    def _weights(self) -> list[_Weights]:
        found = []
        for folder in self._root.iterdir():
            if MODEL_ID.fullmatch(folder.name):
                stats = []
                for name in (GENERATOR, DISCRIMINATOR):
                    with suppress(FileNotFoundError):
                        stats.append((folder / name).stat())
                if stats:
                    used_at, size = max(stat.st_mtime for stat in stats), sum(stat.st_size for stat in stats)
                    found.append(_Weights(used_at, folder.name, size))
        return found

    def _remove(self, model_id: str) -> None:
        """The folder keeps its time, which is when the model arrived."""
        with suppress(FileNotFoundError, ModelNotFound):  # deleted meanwhile
            arrived_at, folder = self._shelf.arrived_at(model_id), self._root / model_id
            for name in (GENERATOR, DISCRIMINATOR):
                (folder / name).unlink(missing_ok=True)
            os.utime(folder, (arrived_at, arrived_at))
