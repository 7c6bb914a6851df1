"""What the names of files and of arrays hint at: training or test images, images or labels."""

import re
from collections.abc import Sequence

from worker.importing.layout import TEST, TRAIN, VALIDATION
from worker.importing.raw import Split

LABELS = frozenset({"labels", "label", "y", "target", "targets"})
IMAGES = frozenset({"images", "image", "x", "data", "pixels"})


def words(name: str) -> list[str]:
    """The words of a name, in lower case: `x_train`, `trainImages` and `t10k-images-idx3` have two, two and three."""
    return re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def split_word(name: str) -> str | None:
    """The word for a split in a name."""
    return next((word for word in words(name) if word in TRAIN | TEST | VALIDATION), None)


def split_of(word: str | None, all_words: set[str | None]) -> Split | None:
    """The split that a word stands for. Validation images are for tests where there are no others."""
    if word is None:
        return None
    if word in VALIDATION:
        return "train" if all_words & TEST else "test"
    return "train" if word in TRAIN else "test"


def set_name(name: str) -> str:
    """A name without the words for splits, images and labels: the same for all files of one data set."""
    return " ".join(word for word in words(name) if word not in TRAIN | TEST | VALIDATION | IMAGES | LABELS)


def shared_words(names: Sequence[str]) -> int:
    """How many words all names begin with."""
    columns = zip(*map(words, names), strict=False)
    return next(
        (k for k, column in enumerate(columns) if len(set(column)) > 1), min(len(words(name)) for name in names)
    )


def most_alike(name: str, others: Sequence[str]) -> int:
    """Which of the names begins the most like one."""
    return max(range(len(others)), key=lambda k: (_shared(name, others[k]), -k))


def _shared(one: str, other: str) -> int:
    """How many characters two names begin with alike."""
    return next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
