"""An imported data set on disk: its card, and its images as arrays that are mapped into memory.

    <folder>/card.json         DatasetCard
    <folder>/images.npy        uint8 [N, H, W, C], the training images and behind them the test images
    <folder>/labels.npy        uint16 [N], only where there are classes
    <folder>/problems.jsonl    a FileProblem in each line
    <folder>/judge/            what scores compare with, once something was trained on it
    <folder>/floor.json        core.scores.Floor, from then on

Within each split the images stand in the order of their SHA-256, so that it does not depend on the archive, and every
first part of them is a fair sample. A folder appears whole and never changes afterwards, but for the judge and the
floor that are added. A deleted data set keeps all but the arrays. `core/dataset_arrays.py` opens these. This module
imports no NumPy.
"""

from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from core.card import ID_LENGTH
from core.datasets import DatasetName
from core.errors import DatasetDamaged
from core.image_shape import ImageShape
from core.import_report import ImportReport
from core.schema import FIRST, SchemaNumber

CARD = "card.json"
IMAGES = "images.npy"
LABELS = "labels.npy"
PROBLEMS = "problems.jsonl"
FLOOR = "floor.json"
JUDGE = "judge"


class DatasetCard(ImportReport):
    """The `card.json` of a data set: the report of its import, and the digest of what it holds."""

    schema_number: SchemaNumber = FIRST
    name: DatasetName
    sha256: str = Field(description="Of shape, counts, names of classes, images and labels.")
    image_shape: ImageShape
    created_at: datetime
    made_by: str

    @property
    def dataset_id(self) -> str:
        """The first 16 hex digits of its SHA-256: the same images and labels always have the same id."""
        return self.sha256[:ID_LENGTH]

    @property
    def class_names(self) -> list[str]:
        """The names of its classes by number; none where it has none."""
        return [one.name for one in self.classes or []]


def read_dataset_card(folder: Path) -> DatasetCard:
    """Read the card of a data set. Raises DatasetDamaged when it is missing or malformed."""
    path = folder / CARD
    try:
        return DatasetCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetDamaged(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DatasetDamaged(f"{path}: not the card of a data set: {where or 'document'}: {first['msg']}") from error
