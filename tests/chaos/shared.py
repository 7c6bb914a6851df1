"""What hosts that share a store promise: the same bytes from each, promotions that only go on, nothing left over."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from types import TracebackType
from typing import Self

import httpx

from core.errors import StoreError
from core.settings import Settings
from jobs.store import JobStore
from models.shelf import Shelf
from sharing.garbage import Collector
from sharing.places import Places
from sharing.shelf_document import shelf_document
from tests.chaos.keys import Keys
from tests.chaos.ledger import Ledger
from tests.hosts.machine import Machine

LOOK_S = 0.2
FOLLOWED_S = 20.0  # a change of the active model, by every host
PICTURE = "/generate"
MOST_COMPARED = 200


class Watcher:
    """Reads how often the active model was changed, as the store says and as each machine has it, all the time."""

    def __init__(self, machines: Sequence[Machine], ledger: Ledger) -> None:
        self._machines, self._ledger = machines, ledger
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        store = Places.of(self._machines[0].settings).store
        document = shelf_document(store) if store else None
        shelves = {str(machine.data): Shelf(machine.settings.shelf_dir) for machine in self._machines}
        seen = dict.fromkeys(["store", *shelves], 0)
        while not self._over.wait(LOOK_S):
            now = {name: shelf.changes() for name, shelf in shelves.items()}
            if document:
                with suppress(StoreError):  # it is away
                    now["store"] = document.read()[0].changes
            for name, changes in now.items():
                if changes < seen[name]:
                    self._ledger.violate(f"{name}: the active model was changed {changes} times, after {seen[name]}")
                seen[name] = max(changes, seen[name])


def one_content(apis: Mapping[str, str], keys: Keys, ledger: Ledger) -> None:
    """Ask every API for what any of them gave, while all stand still: each has the same bytes, and the same model."""
    with httpx.Client(timeout=60) as http:
        deadline = time.monotonic() + FOLLOWED_S
        while len(active := {_active(http, base, keys) for base in apis.values()}) > 1:
            if time.monotonic() > deadline:
                ledger.violate(f"the active model is another one on each host: {active}")
                break
            time.sleep(LOOK_S)
        for url in list(ledger.contents)[-MOST_COMPARED:]:
            for base in apis.values():
                answer = http.get(base + url, headers=keys.artist if url.startswith(PICTURE) else keys.client)
                if answer.status_code == 200:
                    ledger.read(url, sha256(answer.content).hexdigest())
                elif answer.status_code != 404 or not _may_be_elsewhere(http, base, url, keys):
                    ledger.violate(f"GET {base}{url}: {answer.status_code} in the end: {answer.text[:200]}")


def what_the_store_holds(settings: Settings, ledger: Ledger) -> Iterator[str]:
    """Collect the garbage while everything stands still: nothing that is named is missing, and no orphan is left."""
    store = Places.of(settings).store
    if store is None:
        return
    collector = Collector(store, JobStore.of(settings), grace_s=0)
    before = collector.collect()
    after = collector.survey()
    for key in (*before.missing, *after.missing):
        ledger.violate(f"the store lacks {key}, which is named")
    for orphan in after.orphans:
        ledger.violate(f"the store has {orphan.key}, which nobody names, after the garbage was collected")
    for key in after.unknown:
        ledger.violate(f"the store has {key}, which is of no known form")
    garbage = sum(one.bytes for one in before.garbage)
    yield f"{'store':<12}{after.objects.total()} objects of {after.bytes.total() / 1e6:.1f} MB in the end"
    yield f"{'garbage':<12}{len(before.garbage)} objects of {garbage / 1e6:.1f} MB, collected with a grace of 0"


def _may_be_elsewhere(http: httpx.Client, base: str, url: str, keys: Keys) -> bool:
    """Whether only the machine that ran a job may have this: no model came of the job, so no save had to succeed."""
    if not url.startswith("/jobs/"):
        return False
    job = http.get(base + "/".join(url.split("/")[:3]), headers=keys.client).raise_for_status().json()
    return job["status"] in ("cancelled", "failed")


def _active(http: httpx.Client, base: str, keys: Keys) -> str:
    return str(http.get(f"{base}/models", headers=keys.artist).raise_for_status().json()["active"])
