from pathlib import Path

from pydantic import BaseModel

from objects.document import Document
from objects.files import FileStore


class Count(BaseModel):
    value: int = 0


def test_each_change_sees_the_one_before(tmp_path: Path) -> None:
    one, other = (Document(FileStore(tmp_path), "count", Count) for _ in range(2))
    for document in (one, other, one):
        document.change(lambda count, _: Count(value=count.value + 1))
    assert other.read() == (Count(value=3), 3)
