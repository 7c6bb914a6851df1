"""The judges that pick classes for models without classes: which judge serves a model, and the loaded ones.

A judge is not part of a model. It lies beside the data set, and can be damaged, retrained or removed at any time. That
of an imported data set is found by its id, whatever its name stands for by now.
"""

from math import inf
from pathlib import Path
from typing import NamedTuple

from app.drawing.model_cache import Cache
from core.card import ID_LENGTH, Card
from core.errors import CheckpointError, JudgeDamaged, JudgeNotFound
from models.judge import FOLDER, Judge, JudgeCard, load_judge, read_judge_card

MAX_BYTES = 8_000_000  # a judge of ten classes has one million


class _Key(NamedTuple):
    """A judge in its folder. Its id names its weights, so the same id picks the same images."""

    folder: Path
    dataset: str
    id: str


class JudgeCache(Cache[_Key, Judge]):
    """The judges of the data sets that the models on a shelf were trained on."""

    def __init__(self, datasets_dir: Path, imported_dir: Path, patience_s: float = inf) -> None:
        super().__init__(MAX_BYTES, patience_s)
        self._datasets_dir, self._imported_dir = datasets_dir, imported_dir

    def choose(self, model: Card, wanted_id: str | None) -> str | None:
        """The id of the judge that picks a model's classes. None if the model has classes, or its data set no judge.

        Raises JudgeNotFound if that is not the wanted one, or JudgeDamaged.
        """
        recipe = model.recipe
        if recipe.classes:
            return None
        folder = self._folder(model)
        found = _read(folder, recipe.dataset).judge_id if folder.is_dir() else None
        if wanted_id not in (None, found):
            there = f"the one there is {found!r}" if found else "there is none"
            raise JudgeNotFound(f"the data set {recipe.dataset!r} has no judge {wanted_id!r}; {there}")
        return found

    async def of(self, model: Card, judge_id: str) -> Judge:
        """The judge of a model. Raises JudgeNotFound or JudgeDamaged."""
        return await self.get(_Key(self._folder(model), model.recipe.dataset, judge_id))

    def _load(self, key: _Key) -> Judge:
        card = _read(key.folder, key.dataset)
        if card.judge_id != key.id:
            raise JudgeNotFound(f"the judge {key.id!r} of the data set {key.dataset!r} was replaced this very moment")
        try:
            return load_judge(key.folder, card)
        except CheckpointError as error:
            raise _damaged(key.dataset) from error

    def _folder(self, model: Card) -> Path:
        imported = self._imported_dir / model.dataset_sha256[:ID_LENGTH]
        return (imported if imported.is_dir() else self._datasets_dir / model.recipe.dataset) / FOLDER


def _read(folder: Path, dataset: str) -> JudgeCard:
    try:
        return read_judge_card(folder)
    except CheckpointError as error:
        raise _damaged(dataset) from error


def _damaged(dataset: str) -> JudgeDamaged:
    return JudgeDamaged(f"the judge of the data set {dataset!r} is damaged: it picks no class")
