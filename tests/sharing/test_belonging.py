"""A store that is not the deployment's is found when a process starts, before anything is kept in it."""

from pathlib import Path

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.errors import StartError
from core.settings import Settings
from jobs import keys
from jobs.store import JobStore
from objects.files import FileStore
from sharing.belonging import check_start, fault_of
from sharing.garbage import DEPLOYMENT, Collector


def test_the_first_start_makes_the_id_and_later_ones_find_it(tmp_path: Path, store: JobStore) -> None:
    objects = FileStore(tmp_path)
    assert [fault_of(objects, store, "it") for _ in range(2)] == [None, None]
    assert objects.get(DEPLOYMENT).data.decode() == store.deployment_id()
    Collector(objects, store, 10).require_ours()


def test_an_empty_store_is_away_and_that_of_another_is_refused(tmp_path: Path, store: JobStore, redis: Redis) -> None:
    assert fault_of(FileStore(tmp_path / "ours"), store, "it") is None
    empty = FileStore(tmp_path / "not-mounted")
    assert "an empty store, and this Redis belongs to one that is not" in (fault_of(empty, store, "it") or "")
    assert list(empty.list("")) == []
    empty.put_once(DEPLOYMENT, b"another")
    with pytest.raises(StartError, match="a deployment with another Redis"):
        fault_of(empty, store, "it")
    Collector(empty, store, 10).require_ours(adopt=True)
    assert fault_of(empty, store, "it") is None
    redis.delete(keys.DEPLOYMENT)  # with all else that was in it
    assert fault_of(empty, store, "it") is None
    assert store.deployment_id() is None


def test_a_start_says_so(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(store_url=f"file://{tmp_path}/store", redis_url=redis_server.url)
    check_start(settings, waits=True)
    redis.set(keys.DEPLOYMENT, "another")
    with pytest.raises(StartError, match="a deployment with another Redis"):
        check_start(settings, waits=True)
    (tmp_path / "store" / DEPLOYMENT).unlink()
    check_start(settings, waits=False)
    assert "an empty store" in caplog.text
