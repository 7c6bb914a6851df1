"""Follows a job's events by SSE to the last one, as an EventSource does: over lost connections, by Last-Event-ID."""

import threading
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import httpx

from tests.chaos.calls import RETRY_S
from tests.chaos.keys import Headers
from tests.chaos.ledger import ENDED, Accepted, Ledger

SILENCE_S = 20.0  # longer than the server's pings are apart
LEAVES = 0.3  # of all connections are closed by the client
LEAVES_AFTER = (0, 12)  # events


class Event(NamedTuple):
    """An event that came whole."""

    id: str
    type: str
    data: str


def follow(
    bases: Sequence[str], headers: Headers, job: Accepted, ledger: Ledger, random: Random, over: threading.Event
) -> None:
    """Collect the job's events, each time from any of the APIs, until one says that all was told."""
    with httpx.Client(timeout=httpx.Timeout(5.0, read=SILENCE_S), headers=headers) as http:
        while not over.is_set():
            try:
                if _connection(http, random.choice(bases), job, ledger, leaves_after(random), over):
                    job.told_all = True
                    return
            except httpx.HTTPError as error:
                ledger.answered(type(error).__name__)
            over.wait(RETRY_S)


def _connection(
    http: httpx.Client, base: str, job: Accepted, ledger: Ledger, most: int | None, over: threading.Event
) -> bool:
    """One connection, closed after `most` events. Whether all was told before it."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": job.events[-1][0]} if job.events else {})
    with http.stream("GET", f"{base}/jobs/{job.id}/events", headers=headers) as answer:
        ledger.answered(answer.status_code)
        if answer.status_code == 204:
            return True
        if answer.status_code != 200:
            if answer.status_code != 503:
                ledger.violate(f"events of job {job.id}: {answer.status_code}: {answer.read()[:300]!r}")
            return False
        job.connections += 1
        for count, event in enumerate(events(answer)):
            if count == most or over.is_set():
                break
            job.events.append((event.id, event.type))
            if event.type in ENDED:
                ledger.saw(job, event.type)
    return False


def leaves_after(random: Random) -> int | None:
    """After how many events a client closes its connection; None if it does not."""
    return random.randint(*LEAVES_AFTER) if random.random() < LEAVES else None


def events(answer: httpx.Response) -> Iterator[Event]:
    """What a stream tells."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line:
            if "id" in fields:
                yield Event(fields["id"], fields["event"], fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
