"""Runs of the command on imported data sets, from the judge to the closest pairs."""

import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from core.card import read_card
from core.files import TEMPORARY_PREFIX
from tests.imported import colourful, write_imported
from tests.programs import running
from tests.tiny import tiny_recipe
from tests.worker.training.running import command, execute
from tests.worker.training.test_judging import NAMES, TEST, TRAIN, sides
from worker.training import score as scoring
from worker.training.events import EpochDone, Judging, Stopped, parse_event
from worker.training.scorer import PAIRS, has_judge


def arguments(folder: Path) -> list[str]:
    """The arguments that make the command train a tiny recipe on an imported data set for an epoch."""
    recipe = folder.parent / "recipe.json"
    recipe.write_text(tiny_recipe(epochs=1, dataset="own").model_dump_json())
    return ["--recipe", str(recipe), "--dataset-folder", str(folder)]


def test_a_run_on_few_images_without_labels_is_scored_and_shows_its_closest_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, run_dir = tmp_path / "own", tmp_path / "run"
    write_imported(folder, colourful(80), train=40)
    status, events, errors = execute(run_dir, *arguments(folder))
    assert status == 0, errors
    (epoch,) = [event for event in events if isinstance(event, EpochDone)]
    assert epoch.scores is not None
    assert (epoch.scores.compared_by, epoch.scores.images) == ("kid", 40)
    checkpoint = run_dir / epoch.checkpoint
    assert read_card(checkpoint).scores == epoch.scores
    with Image.open(run_dir / "samples" / "closest-pairs.png") as picture:
        columns, scale, pad = 8, 2, 2
        assert picture.size == tuple(cells * (32 * scale + pad) - pad for cells in (columns, 2 * PAIRS // columns))

    monkeypatch.setattr("sys.argv", ["score", "--seeds", "1", "--dataset-folder", str(folder), str(checkpoint)])
    assert scoring.main() == 0
    assert f'"kid": {epoch.scores.kid}' in capsys.readouterr().out


def test_a_run_that_is_stopped_while_its_judge_is_trained_can_go_on_later(tmp_path: Path) -> None:
    folder, run_dir = tmp_path / "own", tmp_path / "run"
    write_imported(folder, *sides(TRAIN + TEST), NAMES, train=TRAIN)
    with running(command(run_dir, *arguments(folder)), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = parse_event(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        last = parse_event(process.stdout.read().splitlines()[-1])
    assert isinstance(first, Judging)
    assert last == Stopped(step=0)
    assert process.returncode == 3
    assert not has_judge(folder)
    assert not list(folder.glob(f"{TEMPORARY_PREFIX}*"))
