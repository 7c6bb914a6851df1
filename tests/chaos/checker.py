"""The checker: every promise, one function each, over what clients saw and what the service holds at the end."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from core.card import verify_checkpoint
from core.errors import CheckpointError, ModelNotFound
from core.files import TEMPORARY_PREFIX
from core.run_dir import RunDir
from jobs.record import JobStatus
from jobs.store import MAX_STRIKES
from models.shelf import Shelf
from tests.chaos.golden import Golden
from tests.chaos.ledger import ENDED, Ledger
from tests.chaos.records import Records, Told

STRUCK = {"worker-lost", "trainer-crashed", "stalled"}  # what a job may fail with, after three strikes
CLAIM_S = 1.0  # between a look at the queue and a claim


def broken_promises(ledger: Ledger, records: Records, golden: dict[str, Golden], data: Path) -> Iterator[str]:
    """Everything that is not as it was promised, while the service stands still."""
    yield from _jobs_end(ledger, records)
    yield from _one_job_a_key(ledger, records)
    yield from _one_end_each(records)
    yield from _failures_are_three_strikes(records)
    yield from _cancelled_where_asked(ledger, records)
    yield from _jobs_keep_their_place(records)
    yield from _models_are_golden(ledger, records, golden, data / "shelf")
    yield from _checkpoints_are_golden(ledger, golden, data / "runs")
    yield from _events_reach_clients(ledger, records)
    yield from _drawings_are_answered(ledger)
    for name, entries in records.leftovers.items():
        if entries:
            yield f"{entries} jobs are left in {name!r}"
    for counter in records.miscounted:
        yield f"counter {counter}"


def temporaries(data: Path) -> list[Path]:
    """What was left half written: the sweeper removes it when it is old."""
    return [path for room in ("runs", "shelf") for path in (data / room).rglob(f"{TEMPORARY_PREFIX}*")]


def _jobs_end(ledger: Ledger, records: Records) -> Iterator[str]:
    for accepted in ledger.known():
        job = records.jobs.get(accepted.id)
        if job is None:
            yield f"job {accepted.id}: was accepted, and there is no record of it"
        elif not job.status.is_terminal:
            yield f"job {accepted.id}: has not ended; it is {job.status}"
        elif accepted.end_seen not in (None, job.status.value):
            yield f"job {accepted.id}: clients saw it {accepted.end_seen}; it is {job.status}"


def _one_job_a_key(ledger: Ledger, records: Records) -> Iterator[str]:
    for key in ledger.unanswered_keys:
        yield f"key {key}: was never answered"
    for job_id in records.jobs.keys() - ledger.jobs.keys():
        yield f"job {job_id}: no client was told of it"
    if len({job.key for job in ledger.known()}) != len(ledger.jobs):
        yield "two jobs have one key"


def _one_end_each(records: Records) -> Iterator[str]:
    for job_id, events in records.events.items():
        ends, status, last = (
            [event.type for event in events if event.type in ENDED],
            records.jobs[job_id].status,
            events[-1],
        )
        if ends != [status.value] or last.type not in ENDED:
            yield f"job {job_id}: it is {status}, its terminal events are {ends}, its last event is {last.type}"


def _failures_are_three_strikes(records: Records) -> Iterator[str]:
    for job_id, job in records.jobs.items():
        if job.status is JobStatus.FAILED:
            error = job.error
            if error is None or error.type not in STRUCK:
                yield f"job {job_id}: failed: {error}"
            elif (strikes := _strikes_in_a_row(records.events[job_id])) < MAX_STRIKES:
                yield f"job {job_id}: failed with {error.type} after {strikes} strikes"


def _strikes_in_a_row(events: list[Told]) -> int:
    """Strikes of a failed job since its last checkpoint, the one that failed it among them."""
    strikes = 1
    for event in events:
        if event.type == "epoch":
            strikes = 1
        strikes += event.is_strike
    return strikes


def _cancelled_where_asked(ledger: Ledger, records: Records) -> Iterator[str]:
    for accepted in ledger.known():
        job = records.jobs.get(accepted.id)
        if job is not None and job.status is JobStatus.CANCELLED and not accepted.cancel_asked:
            yield f"job {job.id}: was cancelled, and nobody asked for it"


def _jobs_keep_their_place(records: Records) -> Iterator[str]:
    """No attempt begins while an older job waits."""
    waits = [(job_id, *wait) for job_id, events in records.events.items() for wait in _waits(events)]
    for job_id, events in records.events.items():
        for event in events:
            if event.type != "running":
                continue
            for older, start_s, end_s in waits:
                is_older = records.jobs[older].created_at < records.jobs[job_id].created_at
                if is_older and start_s < event.at_s - CLAIM_S < event.at_s + CLAIM_S < end_s:
                    yield f"job {job_id}: attempt {event.data['attempt']} began before that of the older job {older}"


def _waits(events: list[Told]) -> Iterator[tuple[float, float]]:
    """From when to when a job was queued."""
    for event, following in pairwise(events):
        if event.type == "queued":
            yield event.at_s, following.at_s


def _models_are_golden(ledger: Ledger, records: Records, golden: dict[str, Golden], shelf_dir: Path) -> Iterator[str]:
    shelf = Shelf(shelf_dir)
    for accepted in ledger.known():
        job = records.jobs.get(accepted.id)
        if job is None or job.status is not JobStatus.SUCCEEDED:
            continue
        try:
            digests = verify_checkpoint(shelf.folder(job.model_id or "")).sha256
        except (CheckpointError, ModelNotFound) as error:
            yield f"job {job.id}: its model: {error}"
        else:
            if digests != golden[accepted.recipe].model:
                yield f"job {job.id} ({accepted.recipe}): its model has other bytes than after an undisturbed run"


def _checkpoints_are_golden(ledger: Ledger, golden: dict[str, Golden], runs: Path) -> Iterator[str]:
    """Every checkpoint of every attempt is whole, and that of an undisturbed run."""
    for accepted in ledger.known():
        for attempt in sorted((runs / accepted.id).glob("attempt-*")):
            for folder in RunDir(attempt).checkpoint_folders():
                try:
                    digests = verify_checkpoint(folder).sha256
                except CheckpointError as error:
                    yield f"job {accepted.id}, {attempt.name}: half a checkpoint: {error}"
                else:
                    if digests != golden[accepted.recipe].checkpoints[folder.name]:
                        yield f"job {accepted.id}, {attempt.name}: {folder.name} has other bytes than undisturbed"


def _events_reach_clients(ledger: Ledger, records: Records) -> Iterator[str]:
    for accepted in ledger.known():
        told = [(event.id, event.type) for event in records.events.get(accepted.id, [])]
        if not accepted.told_all:
            yield f"job {accepted.id}: the client that follows it was never told that all was told"
        if accepted.events != told:
            missed, doubled = set(told) - set(accepted.events), len(accepted.events) - len(set(accepted.events))
            yield f"job {accepted.id}: of {len(told)} events {len(missed)} were missed and {doubled} doubled by SSE"


def _drawings_are_answered(ledger: Ledger) -> Iterator[str]:
    for drawing in ledger.drawings:
        if drawing.status is None and ledger.was_down(drawing.start, drawing.end):
            continue
        if drawing.status != 200:
            took = drawing.end - drawing.start
            yield f"GET /generate: {drawing.status or drawing.error} after {took:.1f} s, while the API was up"
