"""The documentation knows every word of the vocabularies, and no other."""

import re
from pathlib import Path
from typing import get_args

from core.import_report import Action
from core.import_vocabulary import DatasetWarningKind, ProblemCode
from core.vocabulary import EventType, FailureKind, QueuedReason, WarningKind
from worker.training import events

ROOT = Path(__file__).resolve().parents[1]


def rows_after(name: str, header: str) -> list[list[str]]:
    """The cells of each row of the table with this header line."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    _, found, table = text.partition(f"{header}\n")
    assert found, f"no table {header} in docs/{name}"
    lines = table.split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_warning_kind_is_documented_and_no_other() -> None:
    documented = [word for row in rows_after("training.md", "| warning | when |") for word in words(row[0])]
    assert sorted(documented) == sorted(WarningKind)


def test_every_failure_kind_is_documented_with_whether_it_is_worth_another_try() -> None:
    rows = rows_after("api.md", "| error | retryable | why |")
    documented = {word: {"yes": True, "no": False}[row[1]] for row in rows for word in words(row[0])}
    assert documented == {kind.value: kind.is_retryable for kind in FailureKind}


def test_every_event_type_is_documented_and_no_other() -> None:
    rows = rows_after("api.md", "| event | data |")
    assert sorted(word for row in rows for word in words(row[0])) == sorted(EventType)
    (reasons,) = [words(row[1]) for row in rows if words(row[0]) == [EventType.QUEUED]]
    assert sorted(reasons) == sorted(["reason", *QueuedReason])


def test_every_problem_and_warning_of_an_import_is_documented_and_no_other() -> None:
    problems = rows_after("datasets.md", "| problem | action | when |")
    assert [word for row in problems for word in words(row[0])] == list(ProblemCode)
    assert {action for row in problems for action in row[1].split(", ")} == set(get_args(Action))
    warnings = rows_after("datasets.md", "| warning | when | what helps |")
    assert [word for row in warnings for word in words(row[0])] == list(DatasetWarningKind)


def test_every_event_of_a_run_by_hand_is_documented() -> None:
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8").partition("## By hand\n")[2]
    types = [kind.model_fields["event"].default for kind in get_args(events.Event)]
    assert [word for word in types if f"`{word}`" not in text] == []
