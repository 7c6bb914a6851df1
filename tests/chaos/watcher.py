"""Follows all jobs by the one stream of `/events`, as a page does that is left open, over lost connections."""

import json
import threading
from collections.abc import Sequence
from random import Random

import httpx

from tests.chaos.calls import RETRY_S
from tests.chaos.follower import SILENCE_S, events, leaves_after
from tests.chaos.keys import Headers
from tests.chaos.ledger import ENDED, Ledger

FIRST = "0-0"  # before all events
OWN_TYPES = ("gap", "position")  # which are about the stream itself


class Watcher:
    """One client that was there before the first job, and asks each time any of the APIs for what came after."""

    def __init__(
        self, bases: Sequence[str], headers: Headers, ledger: Ledger, random: Random, over: threading.Event
    ) -> None:
        self._bases, self._headers, self._ledger, self._random, self._over = bases, headers, ledger, random, over
        self._at = FIRST

    def watch(self, no_more: threading.Event) -> None:
        """Until every job is told to have ended, once no more are submitted."""
        with httpx.Client(timeout=httpx.Timeout(5.0, read=SILENCE_S), headers=self._headers) as http:
            while not self._over.is_set() and not (no_more.is_set() and self._has_seen_all_end()):
                try:
                    self._listen(http, no_more)
                except httpx.HTTPError as error:
                    self._ledger.answered(type(error).__name__)
                self._over.wait(RETRY_S)

    def _listen(self, http: httpx.Client, no_more: threading.Event) -> None:
        base, most, ledger = self._random.choice(self._bases), leaves_after(self._random), self._ledger
        with http.stream("GET", f"{base}/events", headers={"Last-Event-ID": self._at}) as answer:
            ledger.answered(answer.status_code)
            if answer.status_code != 200:
                if answer.status_code != 503:
                    ledger.violate(f"events of all jobs: {answer.status_code}: {answer.read()[:300]!r}")
                return
            for count, event in enumerate(events(answer)):
                if count == most or self._over.is_set() or (no_more.is_set() and self._has_seen_all_end()):
                    return
                if event.type not in OWN_TYPES:
                    told = json.loads(event.data)
                    ledger.watched.setdefault(told["job"], []).append((told["event"], event.type))
                elif event.type == "gap" and self._at != FIRST:
                    ledger.violate(f"the stream of all jobs has a gap between {self._at} and {event.id}")
                self._at = event.id

    def _has_seen_all_end(self) -> bool:
        watched = self._ledger.watched
        return all(job.id in watched and watched[job.id][-1][1] in ENDED for job in self._ledger.known())
