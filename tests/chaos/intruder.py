"""The intruder: asks for everything with keys that are wrong, or those of others, and must be answered nothing."""

import threading
from collections.abc import Sequence
from random import Random

import httpx

from tests.chaos.keys import Keys
from tests.chaos.ledger import Ledger

BETWEEN_S = (0.05, 0.5)
TIMEOUT_S = 5.0
UNTOLD = ("store-unavailable", "too-many-keys")  # where the key is not even looked at
ANYBODYS = ("/generate?n=1", "/jobs", "/models", "/usage", "/keys", "/metrics", "/workers")
OF_A_JOB = (
    ("GET", ""),
    ("GET", "/events?format=json"),
    ("GET", "/checkpoints"),
    ("GET", "/logs"),
    ("GET", "/deliveries"),
    ("POST", "/cancel"),
    ("POST", "/pause"),
    ("DELETE", ""),
)
OFTEN = 0.7  # it asks for a job


def intrude(bases: Sequence[str], keys: Keys, ledger: Ledger, random: Random, over: threading.Event) -> None:
    """Ask until it is over. An answer that gives anything away is a violation."""
    with httpx.Client(timeout=TIMEOUT_S) as http:
        while not over.wait(random.uniform(*BETWEEN_S)):
            _ask(http, random.choice(bases), keys, ledger, random)


def _ask(http: httpx.Client, base: str, keys: Keys, ledger: Ledger, random: Random) -> None:
    jobs = ledger.known()
    method, path, name = "GET", random.choice(ANYBODYS), random.choice(list(keys.refused))
    if jobs and random.random() < OFTEN:
        method, below = random.choice(OF_A_JOB)
        path, name = f"/jobs/{random.choice(jobs).id}{below}", random.choice([*keys.refused, "stranger"])
    headers, status = (keys.stranger, 404) if name == "stranger" else keys.refused[name]
    try:
        answer = http.request(method, base + path, headers=headers)
    except httpx.HTTPError:  # the API is away
        return
    ledger.intruded(name, answer.status_code)
    if answer.status_code == status or (answer.status_code in (429, 503) and answer.json()["type"] in UNTOLD):
        return
    ledger.violate(f"{method} {path} with the key {name!r}: {answer.status_code}: {answer.text[:200]}")
