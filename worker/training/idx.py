"""IDX files for a run, which ends where one cannot be read."""

from pathlib import Path

import numpy as np

from core import idx
from core.errors import DatasetDamaged
from worker.training.errors import BadData


def read_idx(folder: Path, name: str, rank: int) -> np.ndarray:
    """As `core.idx.read_idx`. Raises BadData."""
    try:
        return idx.read_idx(folder, name, rank)
    except DatasetDamaged as error:
        raise BadData(str(error)) from error
