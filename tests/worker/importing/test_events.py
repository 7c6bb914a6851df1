import json

import pytest
from pydantic import ValidationError

from core.vocabulary import FailureKind
from worker.importing.events import DryRun, Event, Failed, Imported, Reading, Rejected, parse_event

EVENTS: list[Event] = [
    Reading(phase="reading", done=3, total=9, problems=1),
    Imported(dataset_id="0123456789abcdef"),
    DryRun(),
    Rejected(detail="every file is damaged"),
    Failed(kind=FailureKind.OUT_OF_MEMORY, detail='a "quoted"\nline'),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_survives_its_one_line(event: Event) -> None:
    line = event.model_dump_json()
    assert "\n" not in line
    assert parse_event(line) == parse_event(line.encode()) == event


def test_every_event_is_tried() -> None:
    assert {type(event) for event in EVENTS} == set(Event.__args__)


@pytest.mark.parametrize("line", ["", "words", "{}", json.dumps({"event": "imported", "dataset_id": "0", "extra": 1})])
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValidationError):
        parse_event(line)
