"""What an importer's events make of a job."""

import json

from core.import_vocabulary import ImportPhase
from core.vocabulary import EventType, WarningKind
from jobs.record import HealthWarning, ImportProgress
from worker.import_progress import ImportRun
from worker.importing.events import Imported, Reading
from worker.training.events import Warned

READING = Reading(phase=ImportPhase.READING, done=3, total=16, problems=1)
FULL = Warned(kind=WarningKind.DISK_FULL, step=3, detail="no space", hint="free some")


def told(run: ImportRun) -> list[tuple[int, str, object]]:
    return [(event.number, event.type, json.loads(event.data)) for event in run.told]


def test_where_an_import_is_becomes_its_progress_and_is_told() -> None:
    assert (ImportRun().progress, ImportRun().step) == (None, 0)
    run = ImportRun().after(READING)
    assert run.progress == ImportProgress(phase="reading", done=3, total=16, problems=1)
    assert run.step == 3
    assert told(run) == [(1, EventType.PROGRESS, {"phase": "reading", "done": 3, "total": 16, "problems": 1})]
    after = run.after(READING.model_copy(update={"done": 7}))
    assert [(number, data["done"]) for number, _, data in told(after) if isinstance(data, dict)] == [(2, 7)]


def test_an_import_that_has_ended_has_all_behind_it_and_its_record_tells_the_end() -> None:
    ended = ImportRun().after(READING).after(Imported(dataset_id="0" * 16))
    assert ended.progress == ImportProgress(phase="reading", done=16, total=16, problems=1)
    assert ended.told == ()
    assert ImportRun().after(Imported(dataset_id="0" * 16)).progress is None


def test_a_warning_is_told_once_and_stays_in_the_progress() -> None:
    run = ImportRun().after(READING).after(FULL)
    warning = {"kind": "disk-full", "step": 3, "detail": "no space", "hint": "free some"}
    assert told(run) == [(2, EventType.WARNING, warning)]
    assert run.progress is not None
    assert run.progress.warnings == [HealthWarning(**warning)]
    again = run.after(FULL)
    assert again.told == ()
    later = again.after(READING)
    assert later.progress is not None
    assert [one.kind for one in later.progress.warnings] == ["disk-full"]
    assert ImportRun().after(FULL).progress is None, "before the importer has said where it is"
