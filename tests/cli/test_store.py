"""`digitforge store`."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from cli.own_redis import holding
from cli.redis_server import RedisServer
from core.card import verify_checkpoint
from jobs import keys
from jobs.workers import WorkerReport, Workers
from models.shelf import Shelf
from objects.files import FileStore
from sharing.garbage import DEPLOYMENT
from sharing.shelf import SharedShelf
from tests.tiny import save_tiny

CHUNK = "ab" * 32
RUN = f"runs/0123456789abcdef/a001/{CHUNK}"


def store(root: Path, url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    return command(root, url, "store", *arguments)


def command(root: Path, url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"DIGITFORGE_DATA_DIR": str(root / "data"), "DIGITFORGE_STORE_URL": f"file://{root}/store"}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env=os.environ | own | ({"DIGITFORGE_REDIS_URL": url} if url else {}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def url(redis_server: RedisServer, redis: Redis) -> str:
    return redis_server.url


def test_check_says_what_is_there_and_what_is_missing(tmp_path: Path, url: str) -> None:
    objects = FileStore(tmp_path / "store")
    for key in (RUN, "README"):
        objects.put_once(key, b"x" * 100_000)
    sound = store(tmp_path, url, "check")
    assert (sound.returncode, sound.stderr) == (0, "")
    assert "create" in sound.stdout
    assert "runs: 1 objects, 0.1 MB" in sound.stdout
    assert "such as README" in sound.stdout
    gone = f"models/0123456789abcdef.1/{CHUNK}"
    objects.put_once("shelf.json", b'{"version": 1, "recent": [], "content": {"models": ["%s"]}}' % gone.encode())
    damaged = store(tmp_path, url, "check")
    assert (damaged.returncode, damaged.stderr) == (1, f"missing: {gone}\n")
    assert sorted(one.key for one in objects.list("")) == ["README", DEPLOYMENT, RUN, "shelf.json"]


def test_collect_names_what_it_removes(tmp_path: Path, url: str) -> None:
    objects = FileStore(tmp_path / "store")
    objects.put_once(RUN, b"x")
    young = store(tmp_path, url, "collect")
    assert (young.returncode, young.stdout) == (0, "")
    assert "younger than 86400 s: 1 objects" in young.stderr
    named = store(tmp_path, url, "collect", "--grace=0", "--dry-run")
    assert (named.returncode, named.stdout) == (0, f"{RUN}\n")
    assert objects.get(RUN)
    removed = store(tmp_path, url, "collect", "--grace=0")
    assert (removed.stdout, [one.key for one in objects.list("runs/")]) == (f"{RUN}\n", [])


def test_the_store_of_another_deployment_is_left_alone(tmp_path: Path, url: str, redis: Redis) -> None:
    objects = FileStore(tmp_path / "store")
    objects.put_once(RUN, b"x")
    objects.put_once(DEPLOYMENT, b"another")
    refused = store(tmp_path, url, "collect", "--grace=0")
    assert (refused.returncode, redis.exists(keys.DEPLOYMENT)) == (2, 0)
    assert "belongs to a deployment with another Redis" in refused.stderr
    assert objects.get(RUN)
    assert store(tmp_path, url, "collect", "--grace=0", "--adopt").stdout == f"{RUN}\n"


def test_what_one_machine_has_is_uploaded_once(tmp_path: Path, url: str) -> None:
    save_tiny(tmp_path / "made", 1)
    model = Shelf(tmp_path / "data" / "shelf").add(tmp_path / "made").model_id
    first = command(tmp_path, url, "store", "upload")
    assert (first.returncode, first.stderr) == (0, "")
    assert "1 models, 0 data sets, 0 uploads, and the files of 0 jobs" in first.stdout
    other = SharedShelf(tmp_path / "other", FileStore(tmp_path / "store"))
    other.catch_up()
    assert other.reading(model, verify_checkpoint)
    again = command(tmp_path, url, "store", "upload")
    assert (again.returncode, again.stdout) == (2, "")
    assert "shelf.json is there; allowed: an empty store" in again.stderr


def test_nothing_is_uploaded_while_the_service_runs(tmp_path: Path, url: str, redis: Redis) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with holding(data):
        held = command(tmp_path, url, "store", "upload")
    assert (held.returncode, held.stderr) == (
        2,
        f"error: {data} is in use by another `digitforge up`; stop it first\n",
    )
    report = WorkerReport(
        id="abcd", host="far", pid=1, version="1", started_at=datetime.now(UTC), devices=("cpu",), listens=True
    )
    Workers(redis).tell(report)
    works = command(tmp_path, url, "store", "upload")
    assert works.returncode == 2
    assert "worker abcd runs on far; allowed: once the API and all workers were stopped;" in works.stderr
    Workers(redis).forget("abcd")
    assert command(tmp_path, url, "store", "upload").returncode == 0


def test_an_upload_names_runs_that_its_redis_does_not_know(tmp_path: Path, url: str) -> None:
    (tmp_path / "data" / "runs" / "0123456789abcdef").mkdir(parents=True)
    done = command(tmp_path, url, "store", "upload")
    assert (done.returncode, done.stderr) == (
        0,
        "left out: run directory 0123456789abcdef: this Redis knows no such job\n",
    )


def test_a_backup_of_a_store_is_whole_or_there_is_none(tmp_path: Path, url: str) -> None:
    (tmp_path / "data").mkdir()
    made = command(tmp_path, url, "backup", str(tmp_path / "empty.tar"))
    assert (made.returncode, (tmp_path / "empty.tar").exists()) == (0, True)
    gone = f"models/0123456789abcdef.1/{CHUNK}"
    card = {"bytes": 1, "sha256": CHUNK, "chunks": [gone]}
    kept = {"0123456789abcdef": {"owner": "models/0123456789abcdef.1", "card": card, "deleted_at": 1.0}}
    body = {"version": 1, "recent": [], "content": {"deleted": kept}}
    FileStore(tmp_path / "store").put_once("shelf.json", json.dumps(body).encode())
    refused = command(tmp_path, url, "backup", str(tmp_path / "backup.tar"))
    assert refused.returncode == 2
    assert f"the store lacks {gone}" in refused.stderr
    assert not (tmp_path / "backup.tar").exists()


@pytest.mark.parametrize(
    ("own_url", "arguments", "words"),
    [
        (None, ["check"], "no `digitforge up` has run there"),
        ("redis://127.0.0.1:1/0", ["check"], "DIGITFORGE_REDIS_URL"),
        ("redis://127.0.0.1:1/0", ["collect", "--grace=-1"], "'-1'; allowed: 0 to"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, own_url: str | None, arguments: list[str], words: str) -> None:
    refused = store(tmp_path, own_url, *arguments)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
