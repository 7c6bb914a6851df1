import re
import sys

import pytest

from tests.worker.training.test_events import EVENTS
from worker.training.events import parse_event
from worker.training.reporting import reporter


def test_a_program_is_told_one_json_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    report = reporter(lambda: None)
    for event in EVENTS:
        report(event)
    assert [parse_event(line) for line in capsys.readouterr().out.splitlines()] == EVENTS


def test_beside_the_json_lines_a_log_tells_in_words_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    report = reporter(lambda: None)
    for event in EVENTS:
        report(event)
    log = capsys.readouterr().err
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ training on cpu: G 10", log, re.MULTILINE)
    for words in ("epoch 1: loss_d 1.000", "warning: stuck", "stopped after step 3", "failed: bad-data"):
        assert words in log
    assert "{" not in log


def test_a_run_that_goes_on_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    reporter(lambda: None)(EVENTS[0].model_copy(update={"step": 7}))
    assert "going on after step 7 of" in capsys.readouterr().err


def test_a_person_is_told_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    report = reporter(lambda: None)
    for event in EVENTS:
        report(event)
    said = capsys.readouterr().out
    for words in (
        "training on cpu: G 10 and D 5 parameters",
        "epoch 1: loss_d 1.000  loss_g 0.100  D(x) 0.60  D(G(z)) 0.40  1000 images/s  samples/epoch-0001.png",
        "frechet 10.00 (5.0 times its floor)  coverage 0.800  density 0.900  class_score 9.80  smallest",
        "warning: stuck: images changed by 0.1; raise lr_g",
        "finished: checkpoints/epoch-0002",
        "stopped after step 3; the same command goes on from there",
        "failed: bad-data: ",
        "training the judge of the data set: epoch 1 of 12, loss 0.500",
        "judge 0123456789abcdef reads 98.76% of the test images",
    ):
        assert words in said
    assert "{" not in said
