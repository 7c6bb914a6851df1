"""What a newer version wrote is refused, and what an older one wrote is taken over."""

import re
from pathlib import Path

import pytest
from redis import Redis

import jobs
from cli.redis_server import RedisServer
from core.errors import StartError
from core.schema import RESTORING, SCHEMA, claim_folder, note
from core.settings import Settings
from core.startup import open_data_dir
from jobs.keys import SCHEMA_KEY, job_key
from jobs.schema import claim_redis
from jobs.store import JobStore
from tests.jobs.claims import SPEC

NEWER = str(SCHEMA + 1)


def test_a_data_folder_is_marked_and_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        open_data_dir(Settings(data_dir=tmp_path))
        assert (tmp_path / "schema").read_text() == f"{SCHEMA}\n"


@pytest.mark.parametrize("older", ["", "0"])
def test_a_data_folder_of_an_older_version_becomes_one_of_this_version(tmp_path: Path, older: str) -> None:
    note(tmp_path, older)
    claim_folder(tmp_path, writes=False)
    assert (tmp_path / "schema").read_text().strip() == older
    claim_folder(tmp_path, writes=True)
    assert (tmp_path / "schema").read_text() == f"{SCHEMA}\n"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (NEWER, f"schema = {NEWER}: written by a newer version of digitforge; this one reads up to {SCHEMA}"),
        (RESTORING, "a restore began and did not end"),
        ("one", f"schema = 'one': not the number of a schema; allowed: a number up to {SCHEMA}"),
        ("²", "not the number of a schema"),
    ],
)
def test_anything_else_is_refused_and_left_as_it_is(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, found: str, why: str
) -> None:
    (tmp_path / "schema").write_text(found)
    redis.set(SCHEMA_KEY, found)
    with pytest.raises(StartError, match="schema") as of_folder:
        open_data_dir(Settings(data_dir=tmp_path))
    with pytest.raises(StartError) as of_redis:
        claim_redis(redis_server.url)
    assert why in str(of_redis.value)
    assert why in str(of_folder.value) or not found.isascii()
    assert ((tmp_path / "schema").read_text(), redis.get(SCHEMA_KEY)) == (found, found)


def test_redis_is_marked_too_unless_it_is_away(redis_server: RedisServer, redis: Redis) -> None:
    for _ in range(2):
        claim_redis(redis_server.url)
        assert redis.get(SCHEMA_KEY) == str(SCHEMA)
    claim_redis("redis://127.0.0.1:1/0")


def test_a_record_says_which_schema_it_has(store: JobStore, redis: Redis) -> None:
    job_id = store.create(SPEC).job.id
    assert redis.hget(job_key(job_id), "schema") == str(SCHEMA)
    common = (Path(jobs.__file__).parent / "scripts" / "common.lua").read_text(encoding="utf-8")
    assert re.findall(r"SCHEMA = (\d+)", common) == [str(SCHEMA)]
