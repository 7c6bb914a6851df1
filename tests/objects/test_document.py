from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from objects.document import Document
from objects.files import FileStore
from objects.store import Unclear
from tests.objects.faulty import Fault, FaultyStore


class Count(BaseModel):
    value: int = 0


def test_each_change_sees_the_one_before(tmp_path: Path) -> None:
    one, other = (Document(FileStore(tmp_path), "count", Count) for _ in range(2))
    for document in (one, other, one):
        document.change(lambda count, _: Count(value=count.value + 1))
    assert other.read() == (Count(value=3), 3)


class Overtaken(FaultyStore):
    """The answer to the first swap is lost, and somebody else has changed the same before anybody can look."""

    overtake: Callable[[], object] | None = None

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        super()._put_if(key, data, tag)
        if overtake := self.overtake:
            self.overtake = None
            overtake()
            raise Unclear(key)


def test_a_change_that_was_overtaken_before_it_was_known_is_not_made_again() -> None:
    store = Overtaken(lambda: Fault.NONE)
    document = Document(store, "count", Count)
    store.overtake = lambda: document.change(lambda count, _: Count(value=count.value + 10))
    document.change(lambda count, _: Count(value=count.value + 1))
    assert document.read() == (Count(value=11), 2)
