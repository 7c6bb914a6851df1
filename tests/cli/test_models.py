"""`digitforge models prune`."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.notes import Notes
from models.retention import DAY_S
from models.shelf import Shelf
from tests.tiny import save_tiny


def prune(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {f"DIGITFORGE_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "models", "prune", *arguments],
        env=os.environ | {"DIGITFORGE_DATA_DIR": str(data_dir)} | own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_models_are_named_before_they_are_removed(tmp_path: Path) -> None:
    shelf, models = Shelf(tmp_path / "shelf"), []
    for seed in range(4):
        save_tiny(tmp_path / str(seed), seed)
        models.append(shelf.add(tmp_path / str(seed)).model_id)
        arrived = time.time() - (10 - seed) * DAY_S
        os.utime(shelf.folder(models[-1]), (arrived, arrived))
    shelf.change_notes(models[0], lambda _: Notes(labels={"keep": ""}))
    named = prune(tmp_path, "--days", "8.5", "--dry-run", keep_models="4")
    assert (named.returncode, named.stdout, named.stderr) == (0, f"{models[1]}\n", "")
    assert shelf.folder(models[1])
    assert prune(tmp_path, "--keep=2").stdout == f"{models[1]}\n"
    assert {card.model_id for card in shelf.cards()} == {models[0], *models[2:], shelf.active()}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "allowed: this, DIGITFORGE_KEEP_MODELS_DAYS, --keep or --days"),
        (("--days", "nan"), "'nan'; allowed: above 0, to 36500"),
        (("--keep", "1"), "no shelf of models is there"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    refused = prune(tmp_path, *arguments)
    assert refused.returncode != 0
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []
