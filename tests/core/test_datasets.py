import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.datasets import dataset_names, find_file, images_file, why_no_dataset, why_no_file

IMAGES = images_file()


def put(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder as it may be after some downloads on some systems."""
    usable = (f"mnist/{IMAGES}.gz", f"EMNIST/{IMAGES}", f"K-49_b.2/{IMAGES}")
    unusable = (f"my digits/{IMAGES}", f"données/{IMAGES}", f".cache/{IMAGES}", f"__MACOSX/{IMAGES}", f"_old/{IMAGES}")
    elsewhere = ("FashionMNIST/raw/train-images-idx3-ubyte", "empty/README", "a-file", f"mnist/judge/{IMAGES}")
    return put(tmp_path, *usable, *unusable, *elsewhere)


def test_data_sets_are_the_folders_that_can_be_asked_for_and_have_images(root: Path) -> None:
    assert dataset_names(root) == ["EMNIST", "K-49_b.2", "mnist"]


def test_a_name_that_is_none_is_answered_with_those_there_are(root: Path) -> None:
    said = why_no_dataset(root, "nope")
    assert said.startswith("there is no such data set; allowed: EMNIST, K-49_b.2, mnist; ")
    assert ".cache" not in said
    assert "empty" not in said


def test_folders_whose_names_cannot_be_used_are_named_with_the_reason(root: Path) -> None:
    said = why_no_dataset(root, "nope")
    assert "to use '__MACOSX', '_old', 'données', 'my digits', rename the folder: a name is 1 to 64 of" in said


def test_where_there_are_none_it_says_so(tmp_path: Path) -> None:
    assert why_no_dataset(tmp_path, "nope") == "there is no such data set; allowed: none, the folder has no data sets"


def test_a_folder_without_images_says_what_it_has_instead(root: Path) -> None:
    assert why_no_dataset(root, "empty") == f"{root}/empty/{IMAGES}: no such file, raw or .gz"
    said = why_no_dataset(root, "FashionMNIST")
    assert f"found raw/{IMAGES}: rename it to {IMAGES}" in said
    assert why_no_dataset(root, "a-file") == f"{root}/a-file: cannot be read: Not a directory"


def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    put(tmp_path / os.fsdecode(b"caf\xe9"), IMAGES)
    assert dataset_names(tmp_path) == []
    assert "caf\\udce9" in why_no_dataset(tmp_path, "nope").encode().decode()
    put(tmp_path / "own", os.fsdecode(b"caf\xe9-train-images.idx3-ubyte"))
    assert "found caf\\udce9-train" in why_no_dataset(tmp_path, "own").encode().decode()


@pytest.mark.parametrize(
    "found",
    [
        "train-images.idx3-ubyte",
        f"{IMAGES}.GZ",
        f"{IMAGES}.gz.txt",
        "Train-Images-idx3-ubyte",
        "train_images_idx3_ubyte",
        "train-images-idx3-ubyte (1).gz",
        "emnist-letters-train-images-idx3-ubyte.gz",
        "raw/train-images-idx3-ubyte.gz",
        "Größe train-images-idx3-ubyte",
    ],
)
def test_a_file_under_another_name_is_found(tmp_path: Path, found: str) -> None:
    others = ("train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "._train-images.idx3-ubyte", "train-images.npy")
    put(tmp_path, found, *others)
    assert find_file(tmp_path, IMAGES) is None
    expected = f"{tmp_path}/{IMAGES}: no such file, raw or .gz; found {found}: rename it to {IMAGES}, or to {IMAGES}.gz"
    assert why_no_file(tmp_path, IMAGES).startswith(expected)


def test_of_many_files_some_are_named(tmp_path: Path) -> None:
    put(tmp_path, *(f"emnist-{name}-{IMAGES}" for name in ("a", "b", "c", "d", "e", "f", "g")))
    said = why_no_file(tmp_path, IMAGES)
    assert f"emnist-e-{IMAGES} and 2 more: rename the right one to {IMAGES}" in said


def test_no_access_is_no_crash_and_says_so(tmp_path: Path) -> None:
    """In a process without root's rights, which read everything."""
    root = put(tmp_path / "sets", f"closed/{IMAGES}", f"open/{IMAGES}")
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from core.datasets import dataset_names, why_no_dataset\n"
        "os.chdir(sys.argv[1])\n"
        "if os.getuid() == 0:\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "print(dataset_names(Path('.')), why_no_dataset(Path('.'), 'closed'))"
    )
    for folder, mode in ((root, 0o755), (root / "open", 0o755), (root / "closed", 0)):
        folder.chmod(mode)
    done = subprocess.run([sys.executable, "-c", code, str(root)], check=False, capture_output=True, text=True)
    (root / "closed").chmod(0o755)
    assert (done.stdout, done.stderr) == ("['open'] closed: cannot be read: Permission denied\n", "")
