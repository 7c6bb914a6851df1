from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.imported import colourful, write_imported
from tests.tiny import digit_like, one_thread, write_dataset


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data sets: `tiny` and `other` of 40 images of four classes each, and `colour`, an imported one."""
    root = tmp_path_factory.mktemp("datasets")
    for seed, name in enumerate(("tiny", "other")):
        write_dataset(root / name, digit_like(40, seed), np.arange(40) % 4)
    write_imported(root / "colour", colourful(24), [0] * 12 + [1] * 8 + [2] * 4, ("bag", "boot", "coat"))
    return root
