"""One process of a machine follows the store for all, and another goes on where it ends."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import DocumentDamaged, ShelfBusy, StoreAway
from sharing.following import FROZEN_S, LOOK_S, Follower
from tests.service import wait_until


class Looks:
    """What a follower calls: counts, or fails."""

    def __init__(self) -> None:
        self.count = 0
        self.fault: Exception | None = None

    def __call__(self) -> None:
        self.count += 1
        if self.fault:
            raise self.fault


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def follower(tmp_path: Path, looks: Looks) -> Iterator[Follower]:
    follower = Follower(tmp_path / "following", [looks])
    yield follower
    follower.stop()


def let_pass(folder: Path, seconds: float) -> None:
    """Let the last look have been so long ago."""
    at = time.time() - seconds
    os.utime(folder / "following" / "looked", (at, at))


def test_nobody_looks_who_finds_that_somebody_has(tmp_path: Path, follower: Follower, looks: Looks) -> None:
    follower._look_if_nobody_does()
    other = Follower(tmp_path / "following", [looks])
    other._look_if_nobody_does()
    assert looks.count == 1
    let_pass(tmp_path, 1.5 * LOOK_S)
    other._look_if_nobody_does()
    assert looks.count == 2
    let_pass(tmp_path, -1000)  # the clock was set back
    other._look_if_nobody_does()
    assert looks.count == 3


def test_a_look_that_takes_long_is_waited_for_and_a_frozen_one_is_not(
    tmp_path: Path, follower: Follower, looks: Looks
) -> None:
    follower.look()
    with (tmp_path / "following" / "looked").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        let_pass(tmp_path, FROZEN_S - 1)
        follower._look_if_nobody_does()
        assert looks.count == 1
        let_pass(tmp_path, FROZEN_S + 1)
        follower._look_if_nobody_does()
        assert looks.count == 2


@pytest.mark.parametrize("fault", [StoreAway("away"), ShelfBusy("busy"), OSError(28, "full"), ValueError("a bug")])
def test_what_goes_wrong_is_logged_and_the_time_of_the_last_success_stays(
    tmp_path: Path, follower: Follower, looks: Looks, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert follower.seen_ago_s() is None
    looks.fault = fault
    assert [follower.look() for _ in range(2)] == [False, False]
    assert follower.seen_ago_s() is None
    assert len(caplog.records) == (2 if isinstance(fault, ValueError) else 1)
    looks.fault = None
    assert follower.look()
    assert follower.seen_ago_s() is not None
    assert Follower(tmp_path / "following", []).seen_ago_s() is not None


def test_its_thread_goes_on_where_another_process_has_ended(tmp_path: Path, follower: Follower, looks: Looks) -> None:
    follower.start()
    wait_until(lambda: looks.count == 1)
    let_pass(tmp_path, 1.5 * LOOK_S)
    wait_until(lambda: looks.count >= 2)


def test_its_thread_goes_on_where_its_folder_was_removed(tmp_path: Path, follower: Follower, looks: Looks) -> None:
    follower.start()
    wait_until(lambda: looks.count == 1)
    shutil.rmtree(tmp_path / "following")
    wait_until(lambda: looks.count >= 2)
    assert follower.seen_ago_s() is not None


@pytest.mark.parametrize(
    "fault", [DocumentDamaged("shelf.json"), OSError(28, "disk full"), ValueError(), StoreAway("away")]
)
def test_what_cannot_be_followed_holds_nothing_else_up(tmp_path: Path, looks: Looks, fault: Exception) -> None:
    """Otherwise a damaged `shelf.json` hides all new data sets, and a full disk keeps weights from being removed."""
    looks.fault, second = fault, Looks()
    follower = Follower(tmp_path / "following", [looks, second])
    assert not follower.look()
    assert (second.count, follower.seen_ago_s()) == (1, None)
