"""A trainer process: listened to, whatever becomes of its log."""

import sys
from pathlib import Path

import pytest

from worker.trainer import TrainerProcess


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux'")
def test_a_log_that_cannot_be_written_does_not_keep_the_end_of_the_trainer_from_being_heard() -> None:
    with TrainerProcess(["--help"], Path("/dev/full"), grace_s=5) as trainer:  # which prints what is no event
        assert [event for event in trainer.events(tick_s=1) if event] == []
    assert trainer.ending.startswith("exit status")


def test_what_is_no_event_is_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "trainer.log"
    with TrainerProcess(["--help"], log, grace_s=5) as trainer:
        assert [event for event in trainer.events(tick_s=1) if event] == []
    assert "--run-dir" in log.read_text()
