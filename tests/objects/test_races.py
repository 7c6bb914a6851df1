"""Many writers at once: of those that saw the same state one wins, and no change is lost or made twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import BaseModel

from objects.document import Document
from objects.files import FileStore
from objects.s3 import S3Store
from objects.store import ObjectStore
from tests.object_servers import LentStore
from tests.objects.faulty import Fault, FaultyStore, at_random

WRITERS, RACES = 3, 20


class Count(BaseModel):
    value: int = 0


@pytest.fixture(params=["files", "seaweedfs"])
def racing(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "files":
        return FileStore(tmp_path)
    lent: LentStore = request.getfixturevalue("s3_server")
    return S3Store(lent.url, lent.server.environment)


def all_at_once(write: Callable[[int, int], bool], races: int = RACES) -> list[list[int]]:
    """The writers that won, of each race; the races are run at once too."""
    together = Barrier(races * WRITERS)

    def go(number: int) -> bool:
        together.wait()
        return write(*divmod(number, WRITERS))

    with ThreadPoolExecutor(races * WRITERS) as pool:
        won = list(pool.map(go, range(races * WRITERS)))
    return [[writer for writer in range(WRITERS) if won[race * WRITERS + writer]] for race in range(races)]


def test_of_writers_that_saw_the_same_one_wins(racing: ObjectStore) -> None:
    for number in range(RACES):
        racing.put_once(f"{number}", b"before")
    tag = racing.get("0").tag
    won = all_at_once(lambda race, writer: racing.swap(f"{race}", b"%d" % writer, tag))
    assert [racing.get(f"{race}").data for race in range(RACES)] == [b"%d" % writer for [writer] in won]


def test_of_those_that_create_the_same_key_one_wins(racing: ObjectStore) -> None:
    won = all_at_once(lambda race, writer: racing.put_once(f"{race}", b"%d" % writer))
    assert [racing.get(f"{race}").data for race in range(RACES)] == [b"%d" % writer for [writer] in won]


def test_equal_bytes_are_put_by_everybody(racing: ObjectStore) -> None:
    assert all_at_once(lambda *_: racing.put_once("chunk", b"the same"), races=1) == [[0, 1, 2]]


def count_together(store: ObjectStore, each: int) -> tuple[Count, int]:
    document = Document(store, "count", Count)

    def count(*_: int) -> bool:
        for _number in range(each):
            document.change(lambda now, _: Count(value=now.value + 1))
        return True

    assert all_at_once(count, races=1) == [[0, 1, 2]]
    return document.read()


def test_each_change_of_a_document_counts_once(racing: ObjectStore) -> None:
    assert count_together(racing, 5) == (Count(value=15), 15)


@pytest.mark.parametrize("seed", range(4))
def test_each_change_counts_once_where_answers_go_wrong(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("objects.store.PAUSE_S", 0)
    wrong = [Fault.LOST, Fault.NOTHING, Fault.TWICE, Fault.LATE]
    assert count_together(FaultyStore(at_random(seed, 0.4, wrong)), 60)[0] == Count(value=60 * WRITERS)
