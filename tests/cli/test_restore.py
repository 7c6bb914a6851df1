"""A restore takes a whole backup into empty places, or nothing."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import Redis

from cli import restore
from cli.archive import ENTRIES, HEADER, MANIFEST, SNAPSHOT, ArchiveWriter, Header
from cli.redis_server import RedisServer
from cli.unpacking import ArchiveDamaged, unpack
from core.errors import StartError
from core.schema import RESTORING, SCHEMA
from core.settings import Settings
from core.startup import open_data_dir
from jobs.keys import SCHEMA_KEY
from jobs.store import JobStore
from tests.cli.deployments import backed_up, restored
from tests.jobs.claims import SPEC
from tests.tiny import save_tiny

SOUND = Header(schema_number=SCHEMA, made_by="0", created_at="")


@pytest.fixture
def archive(tmp_path: Path, redis_server: RedisServer, store: JobStore) -> bytes:
    """Of two jobs and a model."""
    settings = Settings(data_dir=tmp_path / "before", redis_url=redis_server.url)
    open_data_dir(settings)
    save_tiny(settings.shelf_dir / "0123456789abcdef")
    for _ in range(2):
        store.create(SPEC)
    return backed_up(settings)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "after"


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "up.lock")


def members(archived: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archived)) as tar:
        for info in tar:
            file = tar.extractfile(info)
            assert file is not None
            yield info.name, file.read()


def repacked(*parts: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in parts:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_an_archive_that_breaks_off_anywhere_leaves_nothing(archive: bytes, target: Path) -> None:
    end = archive.rindex(b'"]') if b'"]' in archive else len(archive)
    for length in (0, 1, 511, 512, 700, 2048, len(archive) // 2, archive.index(MANIFEST.encode()), end):
        with pytest.raises(ArchiveDamaged):
            restored(archive[:length], target)
        assert left(target) == []
    assert restored(archive, target).jobs == 2


def test_an_archive_of_which_a_byte_is_changed_is_refused(archive: bytes, target: Path) -> None:
    places = [archive.index(one) for one in (b'"made_by"', b'"taken_ms"', b"preset", b'"device"', b"F32")]
    places += [archive.index(MANIFEST.encode()) + 512, archive.rindex(b'"]') - 1]
    for place in places:
        with pytest.raises(ArchiveDamaged):
            restored(archive[:place] + bytes([archive[place] ^ 1]) + archive[place + 1 :], target)
        assert left(target) == []


def test_members_that_are_missing_doubled_or_added_are_refused(archive: bytes, target: Path) -> None:
    parts = list(members(archive))
    assert [name for name, _ in parts[:3]] == [HEADER, SNAPSHOT, ENTRIES]
    assert parts[-1][0] == MANIFEST
    for changed in (
        [*parts[:3], *parts[4:]],
        [*parts[:4], *parts[3:]],
        [*parts[:-1], ("data/more", b"more"), parts[-1]],
        [*parts, ("data/more", b"more")],
        parts[1:],
        [parts[1], parts[0], *parts[2:]],
        [*parts[:-1], (MANIFEST, b"")],
        [*parts[:-1], (MANIFEST, parts[-1][1] + b"\n")],
        [*parts[:-1], (MANIFEST, b"".join(parts[-1][1].splitlines(keepends=True)[1:]))],
    ):
        with pytest.raises(ArchiveDamaged):
            restored(repacked(*changed), target)
        assert left(target) == []
    assert restored(repacked(*parts), target).jobs == 2


@pytest.mark.parametrize(
    "path",
    [
        "data/../outside",
        "../outside",
        "/tmp/outside",
        "data//a",
        "data/./a",
        "data",
        "elsewhere/a",
        "data/redis/redis.conf",
        "data/schema",
        "data/up.lock",
        "data/.tmp-1/a",
    ],
)
def test_paths_that_no_backup_has_are_refused(target: Path, tmp_path: Path, path: str) -> None:
    out = io.BytesIO()
    writer = ArchiveWriter(out, SOUND)
    writer.add_bytes(path, b"escaped")
    writer.close()
    before = set(tmp_path.iterdir())
    with pytest.raises(ArchiveDamaged, match="no path of a backup"):
        restored(out.getvalue(), target)
    assert set(tmp_path.iterdir()) - before <= {target}
    assert left(target) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_only_files_and_links_to_members_are_taken(target: Path, kind: bytes) -> None:
    out = io.BytesIO(repacked((HEADER, SOUND.model_dump_json().encode())))
    with tarfile.open(fileobj=out, mode="a") as tar:
        info = tarfile.TarInfo("data/it")
        info.type, info.linkname = kind, "data/other"
        tar.addfile(info)
    with pytest.raises(ArchiveDamaged, match=r"neither a file nor a link|not there"):
        restored(out.getvalue(), target)
    assert left(target) == []


def test_a_newer_schema_is_refused_before_anything_is_unpacked(target: Path) -> None:
    newer = repacked((HEADER, SOUND.model_copy(update={"schema_number": SCHEMA + 1}).model_dump_json().encode()))
    with pytest.raises(StartError, match="the backup's schema = 2: written by a newer version"):
        restored(newer, target)
    assert left(target) == []


def test_what_later_versions_add_to_the_header_is_passed_over(tmp_path: Path) -> None:
    out = io.BytesIO()
    header = SOUND.model_dump() | {"compressed": False}
    ArchiveWriter(out, Header.model_construct(_fields_set=None, **header)).close()
    assert unpack(io.BytesIO(out.getvalue()), tmp_path) == SOUND


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(archive: bytes, target: Path) -> None:
    target.mkdir()
    (target / "mine").write_text("mine")
    with pytest.raises(StartError, match="holds 'mine' already; allowed: an empty folder, or one that is not there"):
        restored(archive, target)
    assert left(target) == ["mine"]


def test_a_redis_that_is_not_empty_is_refused_and_left_alone(
    archive: bytes, target: Path, redis_server: RedisServer, store: JobStore
) -> None:
    with pytest.raises(StartError, match="DIGITFORGE_REDIS_URL: holds keys of digitforge already"):
        restored(archive, target, redis_server)
    assert left(target) == []
    assert len(store.page(9)) == 2


def test_a_restore_into_a_redis_of_ones_own_leaves_that_of_up_alone(
    archive: bytes, target: Path, redis_server: RedisServer, redis: Redis, store: JobStore
) -> None:
    redis.flushall()
    assert restored(archive, target, redis_server).jobs == len(store.page(9)) == 2
    assert redis.get(SCHEMA_KEY) == str(SCHEMA)
    assert left(target) == ["schema", "shelf"]
    open_data_dir(Settings(data_dir=target))


def test_a_restore_that_fails_half_way_leaves_both_places_empty_for_the_next(
    archive: bytes, target: Path, redis_server: RedisServer, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.flushall()

    def away(_: object) -> None:
        assert (target / "schema").read_text() == f"{RESTORING}\n"
        raise RedisConnectionError("away")

    monkeypatch.setattr(restore, "complete", away)
    with pytest.raises(RedisConnectionError):
        restored(archive, target, redis_server)
    monkeypatch.undo()
    assert (left(target), redis.keys()) == ([], [])
    assert restored(archive, target, redis_server).jobs == 2


def test_a_restore_that_was_killed_is_done_again(
    archive: bytes, target: Path, redis_server: RedisServer, redis: Redis
) -> None:
    redis.flushall()
    redis.set(SCHEMA_KEY, RESTORING)
    redis.set("digitforge:job:left", "half")
    (target / "shelf").mkdir(parents=True)
    (target / "schema").write_text(f"{RESTORING}\n")
    with pytest.raises(StartError, match="a restore began and did not end"):
        open_data_dir(Settings(data_dir=target))
    assert restored(archive, target, redis_server).jobs == 2
    assert redis.exists("digitforge:job:left") == 0


def test_the_manifest_names_every_member_in_order(archive: bytes) -> None:
    parts = list(members(archive))
    lines = [json.loads(line) for line in parts[-1][1].splitlines()]
    assert [line[0] for line in lines[:-1]] == [name for name, _ in parts[:-1]]
    assert [line[1] for line in lines[:-1]] == [len(data) for _, data in parts[:-1]]
    assert lines[-1][0] == len(parts) - 1
