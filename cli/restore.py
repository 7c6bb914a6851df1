"""`digitforge restore`: a backup into an empty data folder and an empty Redis.

Everything is unpacked beside its place and verified before anything is used. Until the end, folder and Redis say that
a restore is under way, so that no service starts on half of it; another try begins anew.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import uuid4

from redis import Redis, RedisError

from cli.archive import DATA, ENTRIES, SNAPSHOT
from cli.commands import Commands
from cli.own_redis import FOLDER, LOCK, holding, is_given
from cli.redis_server import RedisServer
from cli.unpacking import ArchiveDamaged, unpack
from core.errors import StartError
from core.files import TEMPORARY_PREFIX
from core.schema import FILE, RESTORING, SCHEMA, note
from core.settings import Settings
from jobs import keys
from jobs.refill import clear, complete, refill, require_empty
from jobs.snapshot import Entry, open_for_snapshots

STANDARD = "-"
REDIS_URL = "DIGITFORGE_REDIS_URL"
OF_FILE_SYSTEM = "lost+found"


class Restored(NamedTuple):
    """What a restore did."""

    jobs: int
    given_back: list[str]  # ids of jobs that ran when the backup was made
    files: int
    made_by: str


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("restore", help="put a backup into an empty data folder and an empty Redis")
    parser.add_argument("file", help="what `digitforge backup` wrote; - is standard input")
    parser.add_argument("--data-dir", type=Path, help="the data folder, empty or not there; else DIGITFORGE_DATA_DIR")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    folder = (arguments.data_dir or settings.data_dir).resolve()
    url = settings.redis_url if is_given(settings) else None
    with _opened(arguments.file) as source:
        try:
            restored = restore(source, folder, url)
        except ArchiveDamaged as error:
            raise StartError(f"{arguments.file}: {error}; nothing was restored") from error
        except RedisError as error:
            raise StartError(f"{REDIS_URL}: {error}") from error
    where = "its own Redis, for `digitforge up`" if url is None else "the Redis of DIGITFORGE_REDIS_URL"
    print(f"{restored.jobs} jobs and {restored.files} files of a backup by {restored.made_by}: in {folder} and {where}")
    if settings.store_url is not None:
        print(f"next, put them into {settings.store_url}: digitforge store upload, with DIGITFORGE_DATA_DIR={folder}")
    if restored.given_back:
        print(f"back in the queue, to go on where they were: {', '.join(restored.given_back)}")
    return 0


def restore(source: IO[bytes], folder: Path, redis_url: str | None) -> Restored:
    """Restore an archive into a folder, and into a Redis; without a URL into the folder's own, that of `up`.

    Raises StartError where either is not empty, ArchiveDamaged, OSError and redis' RedisError; both are empty then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(holding(folder))
        _require_empty(folder)
        redis = stack.enter_context(_client(redis_url)) if redis_url else None
        if redis is not None:
            require_empty(redis, REDIS_URL)
        note(folder, RESTORING)
        undo = stack.enter_context(ExitStack())
        undo.callback(_empty, folder)

        # Unpack all of it, and see that it is whole.
        unpacked = folder / f"{TEMPORARY_PREFIX}{uuid4().hex}"
        unpacked.mkdir(mode=0o700)
        header = unpack(source, unpacked)
        os.sync()

        # Fill Redis.
        if redis is None:
            server = stack.enter_context(RedisServer(folder / FOLDER))
            redis = stack.enter_context(_client(server.url))
        else:
            undo.callback(clear, redis)
        taken_ms = json.loads((unpacked / SNAPSHOT).read_bytes())["taken_ms"]
        with (unpacked / ENTRIES).open("rb") as lines:
            given_back = refill(redis, (Entry(*json.loads(line)) for line in lines), taken_ms)
        jobs: Any = redis.zcard(keys.JOBS)

        # Put the files in their place.
        data = unpacked / DATA
        files = sum(1 for path in data.rglob("*") if path.is_file())
        for path in sorted(data.glob("*")):
            path.rename(folder / path.name)
        shutil.rmtree(unpacked)
        complete(redis)
        note(folder, str(SCHEMA))
        undo.pop_all()
    return Restored(jobs, given_back, files, header.made_by)


@contextmanager
def _client(url: str) -> Iterator["Redis"]:
    redis = open_for_snapshots(url)
    try:
        yield redis
    finally:
        redis.close()


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == STANDARD:
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def _require_empty(folder: Path) -> None:
    """Raise StartError for a folder that is not empty; what a restore left that did not end is removed."""
    marker = folder / FILE
    if marker.is_file() and marker.read_bytes().strip() == RESTORING.encode():
        _empty(folder)
    found = next(_contents(folder), None)
    if found is not None:
        raise StartError(f"{folder}: holds {found.name!r} already; allowed: an empty folder, or one that is not there")


def _empty(folder: Path) -> None:
    """Remove all that a restore has made; the marker that says so goes last."""
    for path in sorted(_contents(folder), key=lambda path: path.name == FILE):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _contents(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.name not in (LOCK, OF_FILE_SYSTEM))
