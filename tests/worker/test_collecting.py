"""Workers that collect the garbage of the store, one at a time."""

import logging
import threading
from pathlib import Path

import pytest
from redis import Redis

from jobs import keys
from jobs.store import JobStore
from objects.files import FileStore
from tests.service import wait_until
from worker.collecting import Collecting

GRACE_S = 0.4


def test_garbage_is_collected_again_and_again_and_a_fault_ends_nothing(
    tmp_path: Path, store: JobStore, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    objects, stop = FileStore(tmp_path), threading.Event()
    objects.put_once("runs/0123456789abcdef/a001/" + "ab" * 32, b"log")
    redis.set(keys.DEPLOYMENT, "ours")
    objects.put_once("deployment", b"theirs")
    thread = threading.Thread(target=Collecting(objects, store, GRACE_S).collect_until, args=(stop,))
    thread.start()
    wait_until(lambda: "another Redis" in caplog.text)
    redis.set(keys.DEPLOYMENT, "theirs")
    wait_until(lambda: "objects of the store removed" in caplog.text)
    stop.set()
    thread.join()


def test_one_of_many_collects(store: JobStore, redis: Redis) -> None:
    assert [store.may_collect(60) for _ in range(3)] == [True, False, False]
    assert 0 < redis.pttl(keys.COLLECTED) <= 60_000
