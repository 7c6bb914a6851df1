"""A store that keeps its callers waiting is asked by one thread alone, until it answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ObjectNotFound, StoreAway, StoreRefused
from core.settings import Settings
from objects.breaker import NOTHING, Breaker
from objects.files import FileStore
from objects.opening import open_store
from objects.store import Listed, Stored, Unclear
from tests.service import wait_until


class Ailing(FileStore):
    """A store whose calls end with a fault, where it has one. It counts those of its callers."""

    fault: Exception | None = None
    calls = 0

    def get(self, key: str) -> Stored:
        self._fail(key)
        return super().get(key)

    def list(self, prefix: str) -> Iterator[Listed]:
        self._fail(prefix)
        return super().list(prefix)

    def delete(self, key: str) -> None:
        self._fail(key)
        super().delete(key)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        self._fail(key)
        super()._put_if(key, data, tag)

    def _fail(self, key: str) -> None:
        self.calls += key != NOTHING
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def ailing(tmp_path: Path) -> Ailing:
    return Ailing(tmp_path)


def test_after_a_call_that_waited_in_vain_all_are_refused_at_once_until_it_answers(ailing: Ailing) -> None:
    breaker = Breaker(ailing, long_s=0)
    assert breaker.put_once("some/key", b"data")
    ailing.fault, ailing.calls = StoreAway("frozen"), 0
    for call in (
        lambda: breaker.get("some/key"),
        lambda: breaker.get_unless("some/key", "tag"),
        lambda: list(breaker.list("some/")),
        lambda: breaker.delete("some/key"),
        lambda: breaker.put_once("another", b""),
    ):
        with pytest.raises(StoreAway, match="frozen"):
            call()
    assert ailing.calls == 1
    ailing.fault = None

    def answers() -> bool:
        try:
            return breaker.get("some/key").data == b"data"
        except StoreAway:
            return False

    wait_until(answers)
    assert [listed.key for listed in breaker.list("some/")] == ["some/key"]


@pytest.mark.parametrize("fault", [StoreRefused("no right"), ObjectNotFound("some/key")])
def test_an_answer_that_is_no_opens_nothing(ailing: Ailing, fault: Exception) -> None:
    breaker, ailing.fault = Breaker(ailing, long_s=0), fault
    for calls in (1, 2):
        with pytest.raises(type(fault)):
            breaker.delete("some/key")
        assert ailing.calls == calls


def test_one_that_says_at_once_that_it_is_away_is_asked_by_all(ailing: Ailing) -> None:
    breaker, ailing.fault = Breaker(ailing, long_s=3600), StoreAway("refused the connection")
    for calls in (1, 2):
        with pytest.raises(StoreAway):
            breaker.get("some/key")
        assert ailing.calls == calls


def test_a_large_put_by_a_slow_line_opens_nothing(ailing: Ailing) -> None:
    breaker, ailing.fault = Breaker(ailing, long_s=0), Unclear("no answer yet")
    with pytest.raises(Unclear):
        breaker._put_if("some/key", b"data", None)
    ailing.fault = None
    assert breaker.put_once("some/key", b"data")


def test_the_store_of_the_settings_has_one(tmp_path: Path) -> None:
    assert isinstance(open_store(Settings(data_dir=tmp_path, store_url="s3://bucket")), Breaker)
