"""The judges that pick digits for models without classes: which judge serves a model, and the loaded ones.

A judge is not part of a model. It lies beside the data set, and can be damaged, retrained or removed at any time.
"""

from pathlib import Path
from typing import NamedTuple

from app.drawing.model_cache import Cache
from core.errors import CheckpointError, JudgeDamaged, JudgeNotFound
from models.judge import FOLDER, Judge, JudgeCard, load_judge, read_judge_card
from models.shelf import Shelf

MAX_BYTES = 8_000_000  # a judge of ten classes has one million


class _Key(NamedTuple):
    """A judge of a data set. Its id names its weights, so the same id picks the same images."""

    dataset: str
    id: str


class JudgeCache(Cache[_Key, Judge]):
    """The judges of the data sets that the models on a shelf were trained on."""

    def __init__(self, shelf: Shelf, datasets_dir: Path) -> None:
        super().__init__(MAX_BYTES)
        self._shelf = shelf
        self._datasets_dir = datasets_dir

    def choose(self, model_id: str, wanted_id: str | None) -> str | None:
        """The id of the judge that picks a model's digits. None if the model has classes, or its data set no judge.

        Raises JudgeNotFound if that is not the wanted one, JudgeDamaged, or as `Shelf.card` does.
        """
        recipe = self._shelf.card(model_id).recipe
        if recipe.classes:
            return None
        folder = self._folder(recipe.dataset)
        found = _read(folder).judge_id if folder.is_dir() else None
        if wanted_id not in (None, found):
            there = f"the one there is {found!r}" if found else "there is none"
            raise JudgeNotFound(f"the data set {recipe.dataset!r} has no judge {wanted_id!r}; {there}")
        return found

    async def of(self, model_id: str, judge_id: str) -> Judge:
        """The judge of a model. Raises JudgeNotFound, JudgeDamaged, or as `Shelf.card` does."""
        return await self.get(_Key(self._shelf.card(model_id).recipe.dataset, judge_id))

    def _load(self, key: _Key) -> Judge:
        folder = self._folder(key.dataset)
        card = _read(folder)
        if card.judge_id != key.id:
            raise JudgeNotFound(f"the judge {key.id!r} of the data set {key.dataset!r} was replaced this very moment")
        try:
            return load_judge(folder, card)
        except CheckpointError as error:
            raise _damaged(folder) from error

    def _folder(self, dataset: str) -> Path:
        return self._datasets_dir / dataset / FOLDER


def _read(folder: Path) -> JudgeCard:
    try:
        return read_judge_card(folder)
    except CheckpointError as error:
        raise _damaged(folder) from error


def _damaged(folder: Path) -> JudgeDamaged:
    return JudgeDamaged(f"the judge of the data set {folder.parent.name!r} is damaged: it picks no digit")
