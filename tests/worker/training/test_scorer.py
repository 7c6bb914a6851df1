"""Scores through the real judge, and through one that is trained here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.checkpoint import load_generator
from models.judge import FOLDER, JUDGE_CARD, REFERENCE, load_judge, read_judge_card
from models.shelf import PRETRAINED
from tests.programs import running
from tests.tiny import flip_byte, networks, save_tiny, tiny_recipe, write_dataset
from worker.training import judge as command
from worker.training.data import EMBEDDED, load_dataset
from worker.training.errors import BadData
from worker.training.reference import Reference, read
from worker.training.scorer import Scorer, has_judge

MNIST = EMBEDDED / "mnist"


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(MNIST, load_dataset(MNIST, num_images=2000))


def test_the_shipped_model_is_close_and_an_untrained_one_is_far(scorer: Scorer) -> None:
    shipped = scorer.score(load_generator(PRETRAINED))
    assert shipped.frechet_over_floor < 9
    assert shipped.smallest_class is not None
    assert shipped.smallest_class > 0.085
    assert shipped.class_accuracy is not None
    assert shipped.class_accuracy > 0.98
    assert shipped.nearest == pytest.approx(1, abs=0.2)  # as far from the training images as test images are
    assert shipped.images == 10_000
    assert shipped.judge == read_judge_card(MNIST / FOLDER).judge_id

    G, _ = networks(tiny_recipe())
    untrained = scorer.score(G.eval())
    assert untrained.frechet_over_floor > 100
    assert untrained.coverage < 0.01
    assert untrained.class_accuracy is None


def test_the_same_generator_has_the_same_scores(judged: Path) -> None:
    scorer = Scorer(judged, load_dataset(judged, classes=4))
    G, _ = networks(tiny_recipe(classes=4))
    G.eval()
    assert scorer.score(G) == scorer.score(G)
    assert scorer.score(G).frechet != scorer.score(G, seed=1).frechet


def test_the_floor_is_the_score_of_training_images() -> None:
    card, judge = read_judge_card(MNIST / FOLDER), load_judge(MNIST / FOLDER)
    test, train = load_dataset(MNIST, None, 10, "t10k"), load_dataset(MNIST, 10_000, 10)
    assert test.labels is not None
    floor = Reference.of(read(judge, test.images)[0], test.labels).score(*read(judge, train.images))
    assert floor.frechet == pytest.approx(card.floor.frechet, rel=1e-3)
    assert floor.coverage == pytest.approx(card.floor.coverage, abs=1e-3)
    assert floor.density == pytest.approx(card.floor.density, abs=1e-3)


CORNERS = [(2, 2), (2, 16), (16, 2), (16, 16)]


def corners(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of four classes: a random blob in one of four corners."""
    labels = np.arange(n) % 4
    blobs = np.random.default_rng(seed).integers(100, 256, size=(n, 10, 10), dtype=np.uint8)
    images = np.zeros((n, 28, 28), dtype=np.uint8)
    for image, label, blob in zip(images, labels, blobs, strict=True):
        y, x = CORNERS[label]
        image[y : y + 10, x : x + 10] = blob
    return images, labels


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of one's own, with the judge that the command trains for it."""
    folder = write_dataset(tmp_path_factory.mktemp("datasets") / "corners", *corners(512, 0))
    write_dataset(folder, *corners(120, 1), split="t10k")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["judge", str(folder), "--classes", "4", "--epochs", "12"])
        assert command.main() == 0
    return folder


def test_a_data_set_of_ones_own_gets_a_judge_and_scores(judged: Path) -> None:
    card = read_judge_card(judged / FOLDER)
    assert card.classes == 4
    assert card.accuracy == 1.0
    assert card.floor.smallest_class == pytest.approx(0.25)
    dataset = load_dataset(judged, classes=4)
    assert card.dataset_sha256 == dataset.sha256
    G, _ = networks(tiny_recipe(classes=4))
    sheet = Scorer(judged, dataset).score(G.eval())
    assert sheet.images == 120
    assert sheet.class_coverage is not None
    assert len(sheet.class_coverage) == 4
    assert sheet.class_accuracy is not None
    assert sheet.frechet > card.floor.frechet


def test_a_judge_is_not_trained_over(
    judged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (judged / FOLDER / JUDGE_CARD).read_bytes()
    monkeypatch.setattr("sys.argv", ["judge", str(judged)])
    assert command.main() == 2
    assert "exists; its scores would no longer mean the same" in capsys.readouterr().err
    assert (judged / FOLDER / JUDGE_CARD).read_bytes() == before


def test_a_data_set_without_a_test_split_gets_no_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(tmp_path / "own", *corners(256, 0))
    monkeypatch.setattr("sys.argv", ["judge", str(folder)])
    assert command.main() == 1
    assert "t10k-images-idx3-ubyte: no such file" in capsys.readouterr().err
    assert not has_judge(folder)


def refusal_of_a_judge(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str
) -> str:
    """The one line that the command says when it trains no judge."""
    monkeypatch.setattr("sys.argv", ["judge", str(folder), "--classes", "4", *more])
    assert command.main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not has_judge(folder)
    return said


@pytest.mark.parametrize(
    ("training", "test", "words"),
    [
        (100, 120, "holds 100 training images; a judge needs 128 or more"),
        (300, 3, "holds 3 test images; a judge needs 6 or more"),
    ],
)
def test_a_data_set_that_is_too_small_for_a_judge_says_how_many_it_needs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    training: int,
    test: int,
    words: str,
) -> None:
    folder = write_dataset(tmp_path / "own", *corners(training, 0))
    write_dataset(folder, *corners(test, 1), split="t10k")
    assert words in refusal_of_a_judge(folder, monkeypatch, capsys)


@pytest.mark.parametrize("split", ["training", "test"])
def test_a_judge_needs_images_of_each_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], split: str
) -> None:
    some, all_ = corners(128, 0), corners(128, 1)
    some[1][some[1] == 2] = 1
    training, test = (some, all_) if split == "training" else (all_, some)
    folder = write_dataset(tmp_path / "own", *training)
    write_dataset(folder, *test, split="t10k")
    said = refusal_of_a_judge(folder, monkeypatch, capsys)
    assert f"no {split} image is of class 2; a judge needs images of each of its classes, which are 4" in said


def test_the_smallest_data_set_for_a_judge_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_dataset(tmp_path / "corners", *corners(128, 0))
    write_dataset(folder, *corners(6, 1), split="t10k")
    monkeypatch.setattr("sys.argv", ["judge", str(folder), "--classes", "4", "--epochs", "1"])
    assert command.main() == 0
    dataset = load_dataset(folder, classes=4)
    assert Scorer(folder, dataset).score(networks(tiny_recipe(classes=4))[0].eval()).images == 6


def test_more_test_images_than_are_compared_may_be_in_the_order_of_their_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = corners(14_000, 1)  # the first 10,000 are of three classes
    order = np.argsort(labels)
    folder = write_dataset(tmp_path / "own", *corners(128, 0))
    write_dataset(folder, images[order], labels[order], split="t10k")
    monkeypatch.setattr("sys.argv", ["judge", str(folder), "--classes", "4", "--epochs", "1"])
    assert command.main() == 0
    assert len(read_judge_card(folder / FOLDER).floor.class_coverage or []) == 4


def test_test_images_that_are_training_images_leave_some_scores_without_a_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_dataset(tmp_path / "own", *corners(128, 0))
    write_dataset(folder, *corners(128, 0), split="t10k")
    monkeypatch.setattr("sys.argv", ["judge", str(folder), "--classes", "4", "--epochs", "1"])
    assert command.main() == 0
    sheet = Scorer(folder, load_dataset(folder)).score(networks(tiny_recipe())[0].eval())
    assert sheet.nearest is None
    assert sheet.frechet_over_floor > 0
    assert sheet.model_copy(update={"floor": sheet.floor.model_copy(update={"frechet": 0.0})}).frechet_over_floor


@pytest.mark.parametrize("option", [["--epochs", "0"], ["--classes", "0"], ["--seed", "-1"], ["--epochs", "9" * 5000]])
def test_an_argument_that_trains_no_judge_is_refused(
    judged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["judge", str(judged), *option])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: argument {option[0]}: ")
    assert said.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_found_before_the_training(judged: Path, tmp_path: Path) -> None:
    """In a process without root's rights, which writes everywhere."""
    folder = shutil.copytree(judged, tmp_path / "corners", ignore=shutil.ignore_patterns(FOLDER))
    code = (
        "import os, sys\n"
        "from worker.training.judge import main\n"
        "os.chdir(sys.argv.pop())\n"
        "if os.getuid() == 0:\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "sys.exit(main())"
    )
    folder.chmod(0o555)
    arguments = [sys.executable, "-c", code, ".", "--classes", "4", "--epochs", "1000", str(folder)]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=60)
    folder.chmod(0o755)
    assert (done.returncode, done.stderr) == (1, "error: .: cannot be written, and the judge's place is in it\n")


def head(arguments: list[str]) -> int:
    """The exit status of a command in `2>&1 | head -1`, which must not end in a traceback."""
    with running([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        assert b"Traceback" not in process.stdout.readline()
        process.stdout.close()
    return process.returncode


def test_a_judge_is_trained_though_nobody_reads_how_far_it_is(judged: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(judged, tmp_path / "corners", ignore=shutil.ignore_patterns(FOLDER))
    assert head(["worker.training.judge", str(folder), "--classes", "4", "--epochs", "5"]) == 0
    assert has_judge(folder)


def test_scoring_ends_when_nobody_reads_the_scores(judged: Path, tmp_path: Path) -> None:
    save_tiny(tmp_path / "a-model", dataset=judged.name)
    models = [str(tmp_path / "a-model")] * 10_000
    arguments = ["worker.training.score", "--seeds", "1", "--datasets", str(judged.parent), *models]
    errors = tmp_path / "errors"
    with (
        errors.open("wb") as file,
        running([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, stderr=file) as process,
    ):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["images"] == 120
        process.stdout.close()
        assert process.wait(60) == 1
    assert errors.read_bytes() == b""


@pytest.mark.parametrize("name", [REFERENCE, JUDGE_CARD])
def test_a_damaged_judge_is_bad_data(judged: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(judged, tmp_path / "corners")
    flip_byte(folder / FOLDER / name, 0)
    with pytest.raises(BadData, match=name):
        Scorer(folder, load_dataset(folder))
