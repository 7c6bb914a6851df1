"""One behaviour of all stores: files, memory whose answers go wrong, SeaweedFS, moto."""

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from objects.files import FileStore
from objects.s3 import S3Store
from objects.store import ObjectStore
from tests.object_servers import LentStore, moto
from tests.objects.faulty import Fault, FaultyStore
from tests.objects.store_machine import StoreMachine


def check(store: ObjectStore, faults: list[Fault], examples: int) -> None:
    machine = type("Machine", (StoreMachine,), {"store": store, "faults": faults})
    few = settings(max_examples=examples, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(machine, settings=few)


def test_files(tmp_path: Path) -> None:
    check(FileStore(tmp_path), [], 25)


def test_memory_whose_answers_go_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("objects.store.PAUSE_S", 0)
    faults: list[Fault] = []
    check(FaultyStore(lambda: faults.pop(0) if faults else Fault.NONE), faults, 80)


def test_seaweedfs(s3_server: LentStore) -> None:
    check(S3Store(s3_server.url, s3_server.server.environment), [], 10)


def test_moto() -> None:
    with moto() as (url, environment):
        check(S3Store(url, environment), [], 5)
