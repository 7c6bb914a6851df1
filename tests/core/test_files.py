import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from core.files import (
    TEMPORARY_PREFIX,
    link_or_copy,
    new_folder,
    remove_folder,
    remove_temporaries,
    sha256_of,
    sync,
    write_file,
)
from tests.refuse_links import without_links
from tests.tiny import largest_file

ROOT = Path(__file__).resolve().parents[2]


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256_of(tmp_path / "a") == sha256(b"abc" * 100_000).hexdigest()


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_file(path, b"long enough to show")
    with path.open("rb") as reader:  # opened before, reads on in what it opened
        write_file(path, b"short")
        assert reader.read() == b"long enough to show"
    assert path.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_file(path, b"old")
    with largest_file(1000), pytest.raises(OSError, match="File too large"):
        write_file(path, b"x" * 2000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_take_its_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_file(tmp_path / "a", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_appears_when_it_is_full_and_not_before(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "parents" / "b"
    with new_folder(target, label="thing") as temporary:
        (temporary / "file").write_text("data")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.name.startswith(TEMPORARY_PREFIX)
    assert (target / "file").read_text() == "data"
    assert list(target.parent.iterdir()) == [target]


def test_a_block_that_raises_leaves_nothing(tmp_path: Path) -> None:
    def fill() -> None:
        with new_folder(tmp_path / "b", label="thing") as temporary:
            (temporary / "file").write_text("data")
            raise KeyError

    with pytest.raises(KeyError):
        fill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken_by", ["file", "empty folder", "full folder"])
def test_a_name_that_is_taken_stays_as_it_is(tmp_path: Path, taken_by: str) -> None:
    target = tmp_path / "b"

    def fill() -> None:
        with new_folder(target, label="thing") as temporary:
            (temporary / "file").write_text("new")
            if taken_by == "file":
                target.write_text("old")
            else:
                target.mkdir()
            if taken_by == "full folder":
                (target / "file").write_text("old")

    with pytest.raises(FileExistsError, match="b exists already"):
        fill()
    assert list(tmp_path.iterdir()) == [target]
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["old"] * (
        taken_by != "empty folder"
    )


def test_a_link_costs_no_disk(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"data")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").samefile(tmp_path / "a")


def test_where_there_are_no_hard_links_there_is_a_copy(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"data")
    code = (
        "import errno, os\n"
        "from pathlib import Path\n"
        "from core.files import link_or_copy\n"
        "link_or_copy(Path('a'), Path('b'))\n"
        "try:\n"
        "    os.link('a', 'c')\n"
        "except OSError as error:\n"
        "    assert error.errno == errno.EPERM\n"
        "    print('no links')"
    )
    command = without_links([sys.executable, "-c", code])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.stdout, done.stderr) == ("no links\n", "")
    assert (tmp_path / "b").read_bytes() == b"data"
    assert not (tmp_path / "b").samefile(tmp_path / "a")


def test_what_has_vanished_is_not_linked_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "a", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_synced_is_no_fault() -> None:
    """The kernel syncs neither folders nor files of /proc."""
    sync(Path("/proc/self"))
    with pytest.raises(OSError, match="Invalid argument"):
        sync(Path("/proc/self/status"))


def test_a_removed_folder_is_gone_with_all_that_it_held(tmp_path: Path) -> None:
    (tmp_path / "b" / "inner").mkdir(parents=True)
    (tmp_path / "b" / "inner" / "file").write_text("data")
    remove_folder(tmp_path / "b", label="thing")
    assert list(tmp_path.iterdir()) == []
    remove_folder(tmp_path / "b", label="thing")  # is gone already


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    write_file(tmp_path / "file", b"whole")
    (tmp_path / f"{TEMPORARY_PREFIX}file").write_text("hal")
    (tmp_path / f"{TEMPORARY_PREFIX}folder").mkdir()
    (tmp_path / f"{TEMPORARY_PREFIX}folder" / "file").write_text("hal")
    remove_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    remove_temporaries(tmp_path / "nowhere")  # nothing was ever written there


def test_a_folder_that_somebody_writes_a_large_file_into_is_not_left_over(tmp_path: Path) -> None:
    with new_folder(tmp_path / "made", label="thing") as temporary:
        (temporary / "images").write_bytes(b"so far")
        os.utime(temporary, (0, 0))  # when the file was made, long ago
        remove_temporaries(tmp_path, older_than_s=600)
        assert (temporary / "images").exists()
        os.utime(temporary / "images", (0, 0))
        os.utime(temporary, (0, 0))
        remove_temporaries(tmp_path, older_than_s=600)
        assert not temporary.exists()
        temporary.mkdir()
