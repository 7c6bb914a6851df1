"""Real data sets from Debian's packages, where they are installed: none of their files is in this repository."""

import tarfile
from pathlib import Path

import pytest

from tests.worker.importing.array_files import imported

SHARE = Path("/usr/share")


def packed(tmp_path: Path, folder: Path, package: str) -> bytes:
    """A tar of a folder of a package."""
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; Debian's package {package} has it")
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        tar.add(folder, folder.name)
    return (tmp_path / "set.tar").read_bytes()


def test_fashion_mnist_is_complete_and_its_splits_share_hardly_anything(tmp_path: Path) -> None:
    folder = SHARE / "datasets" / "fashion-mnist"
    report = imported(tmp_path, packed(tmp_path, folder, "dataset-fashion-mnist")).report
    assert report.train == 60_000
    assert 9_980 <= report.test < 10_000
    assert [one.train for one in report.classes or []] == [6_000] * 10
    assert report.proposal is not None
    assert report.proposal.recipe == {}


def test_the_icons_of_tango_are_mostly_links(tmp_path: Path) -> None:
    folder = SHARE / "icons" / "Tango" / "32x32"
    outcome = imported(tmp_path, packed(tmp_path, folder, "tango-icon-theme"))
    assert outcome.report.problems["link"] > 2 * len(outcome.made.images)
    assert outcome.made.images.shape[1:] == (32, 32, 3)
    assert outcome.report.problems["not-square"] >= 1


def test_flags_are_made_square_and_the_same_flag_comes_once(tmp_path: Path) -> None:
    folder = SHARE / "iso-flags-png-320x240"
    outcome = imported(tmp_path, packed(tmp_path, folder, "iso-flags-png-320x240"), size=32)
    assert outcome.report.problems["not-square"] > 200
    assert outcome.report.problems["duplicate"] >= 5
    assert outcome.made.images.shape[1:] == (32, 32, 3)
