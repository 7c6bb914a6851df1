from pathlib import Path

import pytest

from tests.tiny import save_tiny


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A sound checkpoint of the tiny recipe, alone in its folder."""
    folder = tmp_path / "checkpoints" / "c"
    save_tiny(folder)
    return folder
