"""What `make` says: its targets, and what comes before it makes an environment."""

import os
import re
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[1] / "Makefile"
CPU_BUILD = "TORCH_INDEX=https://download.pytorch.org/whl/cpu make up"
HAS_DRIVER = any(Path(name).exists() for name in ("/proc/driver/nvidia/version", "/dev/dxg"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout without an environment, with interpreters that say their version and no more."""
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "constraints.txt", "requirements/service.txt"):
        (tmp_path / name).touch()
    for minor in (9, 10, 11, 14):
        pretend = f"import sys; sys.version_info = (3, {minor}, 0); exec(sys.argv[2])"
        interpreter = tmp_path / f"python3.{minor}"
        interpreter.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec python3 -c \'{pretend}\' "$@"\nexit 1\n')
        interpreter.chmod(0o755)
    return tmp_path


def make(folder: Path, minor: int, torch_index: str = "") -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", str(MAKEFILE), "up", f"PYTHON=./python3.{minor}"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of `make test`
    environment = inherited | {"TORCH_INDEX": torch_index}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("minor", [9, 10])
def test_a_python_that_is_too_old_is_one_line(folder: Path, minor: int) -> None:
    ended = make(folder, minor)
    line, *makes_own = ended.stderr.splitlines()
    assert line == (
        f"error: digitforge needs Python 3.11 or newer, and ./python3.{minor} is 3.{minor}; "
        "name another one: make up PYTHON=python3.13"
    )
    assert [said.partition(":")[0] for said in makes_own] == ["make"]
    assert ended.stdout == ""


@pytest.mark.parametrize("minor", [11, 14])
def test_what_is_about_to_be_downloaded_is_said_where_there_is_no_driver(folder: Path, minor: int) -> None:
    said = make(folder, minor).stdout
    assert "making the environment" in said
    assert (CPU_BUILD in said) is not HAS_DRIVER
    assert CPU_BUILD not in make(folder, minor, torch_index="https://index.invalid/simple").stdout


def test_the_readme_has_the_same_line() -> None:
    assert CPU_BUILD in MAKEFILE.with_name("README.md").read_text(encoding="utf-8")


def test_help_lists_every_target() -> None:
    said = subprocess.run(["make", "-f", str(MAKEFILE), "help"], capture_output=True, text=True, check=True).stdout
    (targets,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r"^  ([a-z-]+) {2,}\S", said, re.MULTILINE) == targets.split()
