"""`digitforge backup`: a deployment's jobs and files in one file, also while it runs.

Redis is taken down first, as it was at one moment, and then every file that it names, as it is by then or later.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO
from uuid import uuid4

from redis import Redis, RedisError

from cli.archive import ENTRIES, SNAPSHOT, ArchiveWriter, Header
from cli.commands import Commands
from cli.data_files import DataFiles
from cli.own_redis import redis_of
from cli.stored_files import StoredFiles
from core.errors import StartError, StoreError
from core.files import TEMPORARY_PREFIX, sync
from core.moved import require_moved
from core.schema import SCHEMA, claim_folder
from core.settings import Settings
from core.version import VERSION
from jobs.schema import claim_redis
from jobs.snapshot import Entry, Moved, Snapshot, open_for_snapshots, take_snapshot
from jobs.store import JobStore
from objects.opening import open_store

LOOKS = 20
PAUSE_S = 0.1
STANDARD = "-"


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("backup", help="write jobs, models, data sets, uploads and keys into one file")
    parser.add_argument("file", help="a new file, such as digitforge.tar; - is standard output")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if not settings.data_dir.is_dir():
        raise StartError(f"DIGITFORGE_DATA_DIR = {str(settings.data_dir)!r}: no such folder")
    if arguments.file != STANDARD and Path(arguments.file).resolve().is_relative_to(settings.data_dir.resolve()):
        raise StartError(
            f"{arguments.file}: in DIGITFORGE_DATA_DIR, where each later backup would hold it; allowed: another folder"
        )
    claim_folder(settings.data_dir, writes=False)
    require_moved(settings)
    with _opened(arguments.file) as out, redis_of(settings) as url:
        claim_redis(url)
        try:
            snapshot = write_all(out, settings, url)
        except StoreError as error:
            raise StartError(f"DIGITFORGE_STORE_URL = {settings.store_url!r}: {error}") from error
        except RedisError as error:
            raise StartError(f"DIGITFORGE_REDIS_URL: {error}") from error
        bytes_written = out.tell() if arguments.file != STANDARD else None
    size = "" if bytes_written is None else f", {bytes_written / 1e6:.1f} MB"
    moment = datetime.fromtimestamp(snapshot.taken_ms / 1000, UTC).isoformat(timespec="milliseconds")
    print(f"{len(snapshot.attempts)} jobs as of {moment}, and all their files{size}", file=sys.stderr)
    return 0


def write_all(out: IO[bytes], settings: Settings, redis_url: str) -> Snapshot:
    """With a store the data folder is a copy of a part of it: everything is fetched into a folder beside."""
    store = open_store(settings)
    if store is None:
        return write_backup(out, settings.data_dir.resolve(), redis_url)
    jobs = JobStore.of(settings.model_copy(update={"redis_url": redis_url}))
    with TemporaryDirectory(prefix="digitforge-backup-") as folder:
        return write_backup(out, Path(folder), redis_url, partial(StoredFiles, store=store, jobs=jobs))


def write_backup(
    out: IO[bytes],
    data: Path,
    redis_url: str,
    files_of: Callable[[Path, ArchiveWriter], DataFiles] = DataFiles,
) -> Snapshot:
    """Write an archive of a data folder and of a Redis. Raises StartError, OSError, StoreError, RedisError."""
    header = Header(schema_number=SCHEMA, made_by=VERSION, created_at=datetime.now(UTC).isoformat())
    archive = ArchiveWriter(out, header)
    files = files_of(data, archive)
    redis = open_for_snapshots(redis_url)
    try:
        with TemporaryFile() as entries:
            snapshot = _take(redis, entries, files)
            archive.add_bytes(SNAPSHOT, json.dumps({"taken_ms": snapshot.taken_ms}).encode() + b"\n")
            size = entries.tell()
            entries.seek(0)
            archive.add(ENTRIES, entries, size)
        files.put_all(snapshot.attempts)
        archive.close()
    except BaseException:
        archive.abandon()
        raise
    finally:
        redis.close()
    return snapshot


def _take(redis: "Redis", entries: IO[bytes], files: DataFiles) -> Snapshot:
    """A snapshot, in lines, and with it the uploads that its imports are to read: they go once an import has ended."""
    last: Snapshot | None = None
    for _ in range(LOOKS):
        entries.seek(0)
        entries.truncate()
        try:
            last = take_snapshot(redis, lambda entry: _write(entries, entry))
        except Moved:
            last = None
        else:
            taken = [files.put_upload(upload) for upload in last.uploads]
            if all(taken):
                return last
        time.sleep(PAUSE_S)
    if last is None:
        raise StartError("jobs are created or deleted faster than they can be read; try again later")
    return last  # an upload is gone that its import will miss, in the backup as here


def _write(entries: IO[bytes], entry: Entry) -> None:
    entries.write(json.dumps(entry).encode("ascii") + b"\n")


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """Standard output, or a file that appears whole, for its owner alone: it holds the digests of keys, and secrets."""
    if name == STANDARD:
        if sys.stdout.isatty():
            raise StartError("a backup is not for a terminal; allowed: a file, or - and standard output sent elsewhere")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.exists():
        raise StartError(f"{path}: exists already; allowed: a new file")
    temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid4().hex}"
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
