"""Work in a process of its own: done again where that dies, and ended with the worker."""

import multiprocessing
import os
import signal
import threading
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.service import wait_until
from worker.apart import Looked, keep_apart


def work(folder: Path, stop: Event) -> None:
    (folder / str(os.getpid())).touch()
    while not Looked(stop).wait(60):
        pass


def test_a_process_that_dies_is_replaced_and_ends_when_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.apart.RESTART_S", 0.05)
    stop = multiprocessing.Event()
    keeping = threading.Thread(target=keep_apart, args=(partial(work, tmp_path, stop), stop))
    keeping.start()
    wait_until(lambda: len(list(tmp_path.iterdir())) == 1)
    [first] = (int(path.name) for path in tmp_path.iterdir())
    assert first != os.getpid()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    stop.set()
    keeping.join(10)
    assert not keeping.is_alive()


def test_where_no_process_can_be_started_it_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.apart.RESTART_S", 0.05)
    stop, fork, failures = multiprocessing.Event(), os.fork, [True, True]

    def fork_later() -> int:
        if failures:
            failures.pop()
            raise BlockingIOError("too many processes")
        return fork()

    monkeypatch.setattr(os, "fork", fork_later)
    keeping = threading.Thread(target=keep_apart, args=(partial(work, tmp_path, stop), stop))
    keeping.start()
    wait_until(lambda: len(list(tmp_path.iterdir())) == 1)
    stop.set()
    keeping.join(10)
    assert not keeping.is_alive()
