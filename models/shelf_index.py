"""Which models stand on a shelf, newest first, without reading every card again whenever somebody asks."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from core.card import Card
from core.errors import CheckpointError, ModelNotFound

SETTLED_NS = 100_000_000  # a folder that changed later than this may change again within one tick of its clock

logger = logging.getLogger(__name__)


class Entry(NamedTuple):
    """A model of the shelf. Entries sort by age."""

    created_at: datetime
    model_id: str
    dataset: str


class ShelfIndex:
    """The entries of a folder whose folders are models, and of `others`. A card is read once: models never change."""

    def __init__(
        self, root: Path, card: Callable[[str], Card], is_id: Callable[[str], object], others: Sequence[str]
    ) -> None:
        self._root, self._card, self._is_id, self._others = root, card, is_id, others
        self._known: dict[str, Entry] = {}
        self._newest_first: list[Entry] = []
        self._good_for_ns: int | None = None  # the change of the folder that the list goes with

    def entries(self) -> list[Entry]:
        """All of them, newest first. A damaged card is logged and left out. Any thread may ask."""
        changed_ns = self._root.stat().st_mtime_ns
        if changed_ns == self._good_for_ns:
            return self._newest_first
        settled = time.time_ns() - changed_ns > SETTLED_NS
        names = {path.name for path in self._root.iterdir() if self._is_id(path.name)} | set(self._others)
        known = {name: entry for name in names if (entry := self._known.get(name) or self._read(name))}
        self._known, self._newest_first = known, sorted(known.values(), reverse=True)
        self._good_for_ns = changed_ns if settled else None
        return self._newest_first

    def _read(self, model_id: str) -> Entry | None:
        try:
            card = self._card(model_id)
            return Entry(card.created_at, model_id, card.recipe.dataset)
        except (CheckpointError, ModelNotFound) as error:
            logger.error("left out of the shelf's list: %s", error)
            return None
