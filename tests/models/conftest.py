from pathlib import Path

import pytest

from tests.models.shelves import KINDS, OpenShelf
from tests.tiny import save_tiny


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A sound checkpoint of the tiny recipe, alone in its folder."""
    folder = tmp_path / "checkpoints" / "c"
    save_tiny(folder)
    return folder


@pytest.fixture(params=KINDS)
def open_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> OpenShelf:
    """Opens a shelf as another process, or another machine, does: `open_shelf(root, embedded)`."""
    return OpenShelf(request.param, tmp_path / "store")
