"""What the digest of the code is of, and what changes it."""

import ast
import shutil
from pathlib import Path

import pytest

from worker.training.code_digest import COMPUTING, ROOT, code_digest

# Imported by what computes, and without a part in a run's weights.
NO_PART = {
    "core/dataset_arrays.py",  # a run directory has the digest of the images
    "core/dataset_card.py",
    "core/datasets.py",  # names of files
    "core/errors.py",
    "core/recipe.py",  # a run directory has the recipe itself
    "core/run_dir.py",
    "core/validation.py",
    "models/folding.py",  # draws
    "worker/training/errors.py",
    "core/idx.py",  # a run directory has the digest of the images
    "worker/training/idx.py",
}


def imported(name: str) -> set[str]:
    """The files of this project that a file imports by name."""
    modules = set()
    for node in ast.walk(ast.parse((ROOT / name).read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = {f"{module.replace('.', '/')}.py" for module in modules}
    return {file for file in files if (ROOT / file).is_file()}


def test_all_that_a_step_is_computed_with_is_covered() -> None:
    found, left = set(), {"worker/training/gan.py"}
    while left:
        name = left.pop()
        found.add(name)
        left |= imported(name) - found - NO_PART
    assert found <= set(COMPUTING)
    assert imported("worker/training/gan.py") & set(COMPUTING)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in (*COMPUTING, "models/gate.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    assert code_digest(tmp_path) == code_digest()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("models/gate.py", "DISTANCE_SLACK = 1.05", "# another comment\nDISTANCE_SLACK = 1.1"),
        ("worker/training/gan.py", "# Update D on", "# Change D on"),
        ("worker/training/gan.py", '"""Set both learning rates', '"""Set the two learning rates'),
        ("worker/training/losses.py", "\n\n\ndef ", "\n\n\n\ndef "),
    ],
    ids=["no part of a step", "a comment", "a docstring", "layout"],
)
def test_what_computes_nothing_changes_nothing(copied: Path, name: str, old: str, new: str) -> None:
    edit(copied / name, old, new)
    assert code_digest(copied) == code_digest()


@pytest.mark.parametrize("name", COMPUTING)
def test_another_line_of_code_is_another_digest(copied: Path, name: str) -> None:
    (copied / name).write_text((copied / name).read_text() + "\nMORE = 1\n")
    assert code_digest(copied) != code_digest()


def test_another_number_is_another_digest(copied: Path) -> None:
    edit(copied / "worker/training/rollback.py", "HALVED = 0.5", "HALVED = 0.25")
    assert code_digest(copied) != code_digest()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
