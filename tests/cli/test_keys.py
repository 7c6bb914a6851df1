"""`digitforge keys` on a real Redis, and on a file."""

import sys
from pathlib import Path

import pytest
from redis import Redis

from access.key import is_key
from access.key_file import read_keys
from access.key_store import KeyStore
from access.required import MARKER
from cli import main
from cli.own_redis import holding
from cli.redis_server import RedisServer
from core.access import Scope
from core.errors import StartError


class Shell:
    """Runs `digitforge keys` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys, self.told = monkeypatch, capsys, ""

    def keys(self, *arguments: str) -> str:
        """What the command prints."""
        self._monkeypatch.setattr(sys, "argv", ["digitforge", "keys", *arguments])
        assert main.main() == 0
        out, self.told = self._capsys.readouterr()
        return out


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("DIGITFORGE_DATA_DIR", str(tmp_path / "var"))
    return Shell(monkeypatch, capsys)


@pytest.fixture
def on_redis(shell: Shell, redis_apart: Redis, url_apart: str, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("DIGITFORGE_REDIS_URL", url_apart)
    return shell


def test_a_key_is_made_listed_rotated_and_revoked(on_redis: Shell, redis_apart: Redis, tmp_path: Path) -> None:
    made = on_redis.keys("create", "gallery", "--scope", "generate", "--scope", "jobs:read", "--expires", "90d").strip()
    assert is_key(made.encode())
    assert (tmp_path / "var" / MARKER).exists()
    store = KeyStore(redis_apart, tmp_path / MARKER)
    (record,) = store.all().records
    assert (record.id, set(record.scopes)) == (made[3:11], {Scope.GENERATE, Scope.JOBS_READ})
    assert record.expires_at is not None
    assert (record.expires_at - record.created_at).days == 90
    assert f"{record.id}" in on_redis.keys("list")
    rotated = on_redis.keys("rotate", record.id, "--overlap", "0s").strip()
    assert is_key(rotated.encode())
    assert rotated[:11] == made[:11]
    on_redis.keys("revoke", record.id)
    assert store.all().records == []


def test_only_the_key_is_on_standard_output(on_redis: Shell) -> None:
    made = on_redis.keys("create", "ops", "--scope", "admin", "--limit", "images_per_day=1000")
    assert made.count("\n") == 1
    assert made.strip() not in on_redis.told


def test_a_key_in_a_file_needs_no_service(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITFORGE_REDIS_URL", "redis://127.0.0.1:1/0")
    path = tmp_path / "keys.json"
    made = [shell.keys("create", name, "--scope", "admin", "--in-file", str(path)).strip() for name in ("a", "b")]
    assert [record.id for record in read_keys(path)] == [key[3:11] for key in made]
    assert not (tmp_path / "var" / MARKER).exists()


def test_a_folder_that_is_not_there_is_told_by_the_name_of_the_file(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "keys.json"
    with pytest.raises(StartError, match=f"--in-file = '{path}': No such file or directory; allowed: "):
        shell.keys("create", "ops", "--scope", "admin", "--in-file", str(path))


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (
            ["create", "ops", "--scope", "admin", "--limit", "queud=3"],
            "--limit queud = 3: unknown field; allowed: ",
        ),
        (["create", "ops", "--scope", "admin", "--limit", "queued"], "--limit queued = ''"),
        (["create", "ops", "--scope", "admin", "--limit", "queued=-1"], "--limit queued = -1: Input should be greater"),
        (["create", " ", "--scope", "admin"], "NAME = ' ': allowed: 1 to 64"),
        (["revoke", "aaaaaaaa"], "no key 'aaaaaaaa' in Redis"),
        (["rotate", "aaaaaaaa"], "no key 'aaaaaaaa' in Redis"),
    ],
)
def test_what_is_wrong_is_named(on_redis: Shell, arguments: list[str], allowed: str) -> None:
    with pytest.raises(StartError) as refused:
        on_redis.keys(*arguments)
    assert allowed in str(refused.value)


@pytest.mark.parametrize("wrong", ["--scope=draw", "--expires=90", "--expires=3651d", "--expires=-1d", "--expires=0s"])
def test_a_wrong_option_is_refused_with_what_is_allowed(
    shell: Shell, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        shell.keys("create", "ops", "--scope", "admin", wrong)
    said = capsys.readouterr().err
    assert "choose from" in said or "allowed" in said


def test_without_redis_it_says_what_to_do(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGITFORGE_REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(StartError, match="--in-file"):
        shell.keys("create", "ops", "--scope", "admin")
    assert not (tmp_path / "var" / MARKER).exists()


def test_a_key_is_made_before_the_first_start_of_a_service_too(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DIGITFORGE_REDIS_URL", raising=False)
    made = shell.keys("create", "ops", "--scope", "admin")
    assert made[3:11] in shell.keys("list")
    with holding(tmp_path / "var"), RedisServer(tmp_path / "var" / "redis"):  # as if it ran now
        assert made[3:11] in shell.keys("list")
