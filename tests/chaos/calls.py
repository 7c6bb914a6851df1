"""HTTP calls of a client that does not give up: over refused connections, lost answers and a store that is away."""

import threading
from collections.abc import Sequence
from random import Random
from typing import Any

import httpx

from tests.chaos.keys import Headers
from tests.chaos.ledger import Ledger

TIMEOUT_S = 5.0  # shorter than some freezes, so that a request is sent again while the first is under way
RETRY_S = 0.3
RETRIED_TYPES = {"store-unavailable", "store-away"}


class Calls:
    """Calls of one thread, each to any of the APIs, until `over` is set."""

    def __init__(
        self, bases: Sequence[str], headers: Headers, ledger: Ledger, random: Random, over: threading.Event
    ) -> None:
        self._http = httpx.Client(timeout=TIMEOUT_S, headers=headers)
        self._bases, self._ledger, self._random, self._over = bases, ledger, random, over

    def once(self, method: str, path: str, *allowed: int, **options: Any) -> httpx.Response | None:
        """One try. None where there was no answer or the store is away; what else is not `allowed` is a violation."""
        try:
            answer = self._http.request(method, self._random.choice(self._bases) + path, **options)
        except httpx.HTTPError as error:
            self._ledger.answered(type(error).__name__)
            return None
        self._ledger.answered(answer.status_code)
        if answer.status_code in allowed:
            return answer
        if method == "HEAD" and answer.status_code == 503:  # it has no body that tells why
            return None
        if answer.status_code != 503 or answer.json()["type"] not in RETRIED_TYPES:
            self._ledger.violate(f"{method} {path}: {answer.status_code}: {answer.text[:300]}")
        return None

    def insist(self, method: str, path: str, *allowed: int, **options: Any) -> httpx.Response | None:
        """Try until it is answered. None when it is over."""
        while not self._over.is_set():
            answer = self.once(method, path, *allowed, **options)
            if answer is not None:
                return answer
            self._over.wait(RETRY_S)
        return None
