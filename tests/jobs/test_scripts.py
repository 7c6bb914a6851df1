"""The Lua scripts speak the words of the vocabulary, and all of them."""

import re
from pathlib import Path

import jobs
from core.vocabulary import Answer, EventType, QueuedReason
from jobs.record import JobStatus

SCRIPTS = sorted((Path(jobs.__file__).parent / "scripts").glob("*.lua"))
CODE = "\n".join(line.split("--")[0] for path in SCRIPTS for line in path.read_text(encoding="utf-8").splitlines())


def quoted(pattern: str) -> set[str]:
    """The quoted words in what a pattern finds."""
    return {
        word.strip() for found in re.findall(pattern, CODE) for word in re.findall(r"'([^']*)'", found) if word.strip()
    }


def test_scripts_answer_what_is_in_the_vocabulary() -> None:
    # `return status` and `return request` answer what the record holds: a status, 'cancel' or 'pause'.
    answers = quoted(r"return ([^\n(]*)") | {Answer.CANCEL, Answer.PAUSE}
    assert answers - set(JobStatus) == set(Answer)


def test_scripts_tell_events_that_are_in_the_vocabulary() -> None:
    told = quoted(r"tell\(('[a-z]+')") | quoted(r"to_end\(('[a-z]+')") | {"failed", "cancelled"}
    of_the_trainer = {"judging", "started", "progress", "epoch", "warning"}
    assert told | of_the_trainer == set(EventType)
    assert quoted(r"to_queue\(([^\n]*)\)") == set(QueuedReason)
