"""The checker: every promise, one function each, over what clients saw and what the service holds at the end."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from core.card import verify_checkpoint
from core.dataset_arrays import dataset_digest, open_dataset
from core.errors import CheckpointError, DatasetDamaged, DatasetDeleted, DatasetNotFound, ModelNotFound
from core.files import TEMPORARY_PREFIX
from core.run_dir import RunDir
from jobs.record import Job, JobStatus
from jobs.store import MAX_STRIKES
from sharing.places import Places
from tests.chaos.golden import Golden
from tests.chaos.importer import ARCHIVES
from tests.chaos.ledger import ENDED, Accepted, Ledger
from tests.chaos.records import Records, Told
from tests.hosts.machine import Machine

STRUCK = {
    "worker-lost",
    "trainer-crashed",
    "importer-crashed",
    "stalled",
}  # what a job may fail with, after three strikes
CLAIM_S = 1.0  # between a look at the queue and a claim


def broken_promises(
    ledger: Ledger, records: Records, golden: dict[str, Golden], machines: Sequence[Machine]
) -> Iterator[str]:
    """Everything that is not as it was promised, while the service stands still, but for its store."""
    yield from _jobs_end(ledger, records)
    yield from _one_job_a_key(ledger, records)
    yield from _one_end_each(records)
    yield from _failures_are_three_strikes(records)
    yield from _cancelled_where_asked(ledger, records)
    yield from _jobs_keep_their_place(records)
    for machine in machines:
        yield from _models_are_golden(ledger, records, golden, machine)
        yield from _checkpoints_are_golden(ledger, golden, machine.data / "runs")
        yield from _datasets_are_one(ledger, records, machine)
    yield from _events_reach_clients(ledger, records)
    yield from _drawings_are_answered(ledger)
    for name, entries in records.leftovers.items():
        if entries:
            yield f"{entries} jobs are left in {name!r}"
    for counter in records.miscounted:
        yield f"counter {counter}"


def temporaries(machines: Sequence[Machine]) -> list[Path]:
    """What was left half written: the sweeper removes it when it is old."""
    folders = (machine.data / room for machine in machines for room in ("runs", "shelf"))
    return [path for folder in folders for path in folder.rglob(f"{TEMPORARY_PREFIX}*")]


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
                first, second = records.jobs[older], records.jobs[job_id]
                is_older = first.spec.kind == second.spec.kind and first.created_at < second.created_at
                if is_older and start_s < event.at_s - CLAIM_S < event.at_s + CLAIM_S < end_s:
                    yield f"job {job_id}: attempt {event.data['attempt']} began before that of the older job {older}"


def _waits(events: list[Told]) -> Iterator[tuple[float, float]]:
    """From when to when a job was queued."""
    for event, following in pairwise(events):
        if event.type == "queued":
            yield event.at_s, following.at_s


def _models_are_golden(ledger: Ledger, records: Records, golden: dict[str, Golden], machine: Machine) -> Iterator[str]:
    shelf = Places.of(machine.settings).shelf
    for accepted, job in _succeeded(ledger, records, golden):
        try:
            digests = shelf.reading(job.model_id or "", verify_checkpoint).sha256
        except (CheckpointError, ModelNotFound) as error:
            yield f"job {job.id}: its model: {error}"
        else:
            if digests != golden[accepted.recipe].model:
                yield f"job {job.id} ({accepted.recipe}): its model has other bytes than after an undisturbed run"


def _datasets_are_one(ledger: Ledger, records: Records, machine: Machine) -> Iterator[str]:
    """Each archive gives one data set, whoever imports it, and every machine reads it whole."""
    datasets = Places.of(machine.settings).datasets
    found = dict[str, str]()
    for accepted, job in _succeeded(ledger, records, ARCHIVES):
        dataset = job.dataset or ""
        if found.setdefault(accepted.recipe, dataset) != dataset:
            yield f"job {job.id} ({accepted.recipe}): its data set is another one than that of an import before"
    for name, dataset in found.items():
        try:
            datasets.fetch(dataset)
            found_there = open_dataset(datasets.folder(dataset))
        except (DatasetDamaged, DatasetDeleted, DatasetNotFound) as error:
            yield f"{name}: its data set: {error}"
        else:
            card = found_there.card
            arrays = found_there.images, found_there.labels
            if dataset_digest(card.image_shape, card.train, card.class_names, *arrays) != card.sha256:
                yield f"{name}: its data set has other bytes than its card says"
            if card.dataset_id != dataset:
                yield f"{name}: its data set has the card of {card.dataset_id}"


def _succeeded(ledger: Ledger, records: Records, names: Collection[str]) -> Iterator[tuple[Accepted, Job]]:
    """The jobs on some recipes or archives that succeeded."""
    for accepted in ledger.known():
        job = records.jobs.get(accepted.id)
        if accepted.recipe in names and job is not None and job.status is JobStatus.SUCCEEDED:
            yield accepted, job


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
        if (watched := ledger.watched.get(accepted.id, [])) != told:
            missed, doubled = set(told) - set(watched), len(watched) - len(set(watched))
            yield f"job {accepted.id}: of {len(told)} events {len(missed)} were missed and {doubled} doubled in /events"


def _drawings_are_answered(ledger: Ledger) -> Iterator[str]:
    for drawing in ledger.drawings:
        if drawing.status is None and ledger.was_down(drawing.api, drawing.start, drawing.end):
            continue
        if drawing.status != 200:
            took = drawing.end - drawing.start
            yield f"GET /generate: {drawing.status or drawing.error} after {took:.1f} s, while {drawing.api} was up"
