import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from tests.tiny import score_sheet
from worker.training.events import (
    EpochDone,
    Event,
    Failed,
    Finished,
    Judging,
    Progress,
    Started,
    Stopped,
    Warned,
    parse_event,
)

EVENTS: list[Event] = [
    Started(device="cpu", epochs=2, total_steps=16, step=0, parameters_g=10, parameters_d=5),
    Progress(step=1, epoch=1, kimg=0.1, images_per_s=3.5, loss_d=1.25, loss_g=0.75, d_real=0.5, d_fake=0.25),
    EpochDone(
        step=8,
        epoch=1,
        kimg=0.5,
        images_per_s=1e3,
        loss_d=1.0,
        loss_g=0.1,
        d_real=0.6,
        d_fake=0.4,
        sample="samples/epoch-0001.png",
        checkpoint="checkpoints/epoch-0001",
        scores=score_sheet(),
    ),
    Warned(kind="stuck", step=8, detail="images changed by 0.1", hint="raise lr_g"),
    Finished(step=16, checkpoint="checkpoints/epoch-0002"),
    Stopped(step=3),
    Failed(kind="bad-data", detail='a "quoted"\nline'),
    Judging(epoch=1, epochs=12, loss=0.5),
    Judging(epoch=12, epochs=12, judge="0123456789abcdef", accuracy=0.9876),
]
STOPPED = json.loads(EVENTS[5].model_dump_json())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_survives_its_one_line(event: Event) -> None:
    line = event.model_dump_json()
    assert "\n" not in line
    assert parse_event(line) == parse_event(line.encode()) == event


def test_every_event_is_tried() -> None:
    assert {type(event) for event in EVENTS} == set(Event.__args__)


def test_means_are_given_by_name() -> None:
    assert isinstance(EVENTS[1], Progress)
    assert EVENTS[1].means() == {"loss_d": 1.25, "loss_g": 0.75, "d_real": 0.5, "d_fake": 0.25}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a warning of some library",
        "[]",
        "{}",
        json.dumps({**STOPPED, "event": "paused"}),
        json.dumps({"step": 3}),
        json.dumps({**STOPPED, "extra": 1}),
        json.dumps({"event": "stopped"}),
        EVENTS[1].model_dump_json().replace("1.25", "NaN"),
    ],
)
def test_any_other_line_is_refused(line: str) -> None:
    with pytest.raises(ValidationError):
        parse_event(line)


def test_events_import_no_torch() -> None:
    code = "import sys, worker.training.events; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
