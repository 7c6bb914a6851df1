import errno

import pytest

from core.disk_full import StoppedWhileFull, write_when_there_is_space


class Disk:
    """Has room after some tries."""

    def __init__(self, full_for: int, error: int = errno.ENOSPC) -> None:
        self.left, self.error = full_for, error

    def write(self) -> str:
        if self.left:
            self.left -= 1
            raise OSError(self.error, "refused")
        return "written"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.disk_full.POLL_S", 0.001)


def test_it_waits_until_there_is_space_and_says_each_time_that_there_is_none() -> None:
    told: list[OSError] = []
    assert write_when_there_is_space(Disk(3).write, told.append, lambda: False) == "written"
    assert [error.errno for error in told] == [errno.ENOSPC] * 3


def test_a_stop_ends_the_wait_after_it_was_told() -> None:
    told: list[OSError] = []
    with pytest.raises(StoppedWhileFull):
        write_when_there_is_space(Disk(3).write, told.append, lambda: len(told) == 2)
    assert len(told) == 2


def test_another_error_is_not_waited_for() -> None:
    told: list[OSError] = []
    with pytest.raises(OSError, match="refused"):
        write_when_there_is_space(Disk(1, errno.EIO).write, told.append, lambda: False)
    assert told == []
