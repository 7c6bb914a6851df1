"""What the folders of an archive mean: its wrapper, its splits, its classes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from worker.importing.raw import Split

Folders = tuple[str, ...]

TRAIN = frozenset({"train", "training", "trainset"})
TEST = frozenset({"test", "testing", "testset", "t10k"})
VALIDATION = frozenset({"val", "valid", "validation", "dev", "eval"})
SPLITS = TRAIN | TEST | VALIDATION
SPLIT_LEVELS = (0, 1)  # `train/cat` and `cat/train`


@dataclass(frozen=True)
class Layout:
    """Which label and which split the folders of an image give it."""

    split_level: int | None = None  # at which place in the folders the splits are
    label_level: int | None = None  # and the classes, once the split is taken out
    validation: Split = "test"  # what validation images are taken for
    notes: list[str] = field(default_factory=list)

    def label(self, name: str) -> str | None:
        """The class of a file by its path; None where it has none."""
        _, folders = self._without_split(_folders(name))
        if self.label_level is None or len(folders) <= self.label_level:
            return None
        return folders[self.label_level]

    def split(self, name: str) -> Split | None:
        """The split of a file by its path."""
        word, _ = self._without_split(_folders(name))
        if word is None:
            return None
        if word in VALIDATION:
            return self.validation
        return "train" if word in TRAIN else "test"

    def _without_split(self, folders: Folders) -> tuple[str | None, Folders]:
        at = self.split_level
        if at is None or len(folders) <= at:
            return None, folders
        return folders[at].lower(), folders[:at] + folders[at + 1 :]


def layout_of(names: Iterable[str]) -> Layout:
    """What the folders of these images mean.

    Folders that all of them share are a wrapper. Below it, folders that are all called like `train` and `test` are
    splits, and the others are classes, if there are two or more; folders in a class mean nothing.
    """
    paths = {_folders(name) for name in names}
    wrapper = _shared_levels(paths)
    notes = []
    split_level = next((wrapper + level for level in SPLIT_LEVELS if _are_splits(paths, wrapper + level)), None)
    layout = Layout(split_level)
    words: set[str | None] = set()
    if split_level is not None:
        words = {layout._without_split(path)[0] for path in paths}
        paths = {layout._without_split(path)[1] for path in paths}
        shown = ", ".join(sorted(str(word) for word in words))
        notes.append(f"The folders {shown} are splits.")
    validation: Split = "train" if words & TEST else "test"
    if words & VALIDATION:
        notes.append(f"Validation images are taken for {'training' if validation == 'train' else 'test'} images.")
    level = _shared_levels(paths)
    classes = {path[level] for path in paths if len(path) > level}
    if len(classes) < 2:
        return Layout(split_level, None, validation, notes)
    notes.append(f"The {len(classes)} folders that the images are in are their classes.")
    return Layout(split_level, level, validation, notes)


def _shared_levels(paths: set[Folders]) -> int:
    """How many folders all paths begin with."""
    first, last = min(paths, default=()), max(paths, default=())
    return next(
        (level for level, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
        min(len(first), len(last)),
    )


def _are_splits(paths: set[Folders], level: int) -> bool:
    return all(len(path) > level and path[level].lower() in SPLITS for path in paths)


def _folders(name: str) -> Folders:
    return tuple(name.split("/")[:-1])
