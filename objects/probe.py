"""Whether a store does what all else here relies on: of writers that saw the same state one wins.

`python -m objects.probe` probes the one in the settings.

Some gateways take a conditional put, ignore the condition, and answer 200 to everybody. By such a store machines
overwrite each other's changes without a word, so it is refused before anything is kept in it.
"""

import logging
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

from core.errors import ObjectNotFound, StartError, StoreAway, StoreError, StoreRefused
from core.settings import Settings
from core.startup import EXIT_FAILED, EXIT_REFUSED, PYTHON, read_settings, run
from objects.opening import open_store
from objects.store import ObjectStore

SCRATCH = "scratch"  # the keys below it are garbage: a probe that was killed leaves some
WRITERS = 3
AGAIN_S = 5.0
ALLOWED = (
    "a store that carries a PUT with If-None-Match or If-Match out only where that holds, as AWS S3 and SeaweedFS do"
)

logger = logging.getLogger(__name__)


def probe(store: ObjectStore, name: str) -> None:
    """Write a few bytes below `scratch/`, and remove them. `name` is for texts.

    Raises StartError for a store that ignores conditions, StoreRefused where a right is missing, and StoreAway.
    """
    own = f"{SCRATCH}/{secrets.token_hex(8)}"
    try:
        fault = _fault(store, own)
    finally:
        with suppress(StoreError):
            for listed in list(store.list(f"{own}/")):
                store.delete(listed.key)
    if fault:
        raise StartError(f"DIGITFORGE_STORE_URL = {name!r}: {fault}; allowed: {ALLOWED}")


def check_start(settings: Settings, *, waits: bool, module: str = "objects.probe") -> None:
    """Probe the store of a process that starts, if it has one. Whether it waits for one that is away, or goes on.

    Another process does it, by `module`, because the store's client does not survive forks. Raises StartError.
    """
    if settings.store_url is None:
        return
    own = {"DIGITFORGE_STORE_URL": settings.store_url, "DIGITFORGE_REDIS_URL": settings.redis_url}
    environment = os.environ | own
    while True:
        command = [*PYTHON, "-m", module]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
        said = done.stderr.strip()
        if done.returncode == EXIT_REFUSED:
            raise StartError("\n".join(line.removeprefix("error: ") for line in said.splitlines()))
        if done.returncode == 0:
            return
        logger.warning("the store was not probed: %s", said)
        if not waits:
            return
        time.sleep(AGAIN_S)


def main() -> int:
    """Probe the store in the settings: 0 fit, 2 refused, 1 away."""
    url = read_settings().store_url
    store = open_store(read_settings())
    if store is None or url is None:
        return 0
    try:
        probe(store, url)
    except StoreAway as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except StoreRefused as error:
        raise StartError(f"DIGITFORGE_STORE_URL = {url!r}: {error}") from error
    return 0


def answers(store: ObjectStore) -> None:
    """Ask for as little as can be asked. Raises StoreAway and StoreRefused."""
    with suppress(ObjectNotFound):
        store.get(f"{SCRATCH}/none")


def _fault(store: ObjectStore, own: str) -> str | None:
    """What the store does that it may not."""
    first, second = f"{own}/first", f"{own}/second"
    if not store.swap(first, b"first", None):
        return "it refuses to create an object that is not there"
    if store.swap(first, b"overwritten", None) or store.get(first).data != b"first":
        return (
            "it overwrites an object though If-None-Match: * is set, so machines would overwrite each other's changes"
        )
    tag = store.get(first).tag
    if not tag or store.get_unless(first, tag) is not None:
        return "it gives objects no ETag by which a reader can tell that they are the same still"
    if not store.swap(first, b"swapped", tag):
        return "it refuses to replace an object by the ETag that it has"
    if store.swap(first, b"too late", tag) or store.get(first).data != b"swapped":
        return (
            "it replaces an object though If-Match has another ETag, so machines would overwrite each other's changes"
        )
    tag = store.get(first).tag
    races: Sequence[tuple[str, str | None]] = [(second, None), (first, tag)]
    for number in _winners(lambda race, data: store.swap(races[race][0], data, races[race][1]), len(races)):
        if number != 1:
            return f"of {WRITERS} writers at once that all saw the same state {number} won, not 1"
    if {listed.key for listed in store.list(f"{own}/")} != {first, second}:
        return "its list does not have what was just written"
    return None


def _winners(write: Callable[[int, bytes], bool], races: int) -> list[int]:
    """How many writers won each race; all begin at once."""
    together = Barrier(races * WRITERS)

    def go(number: int) -> bool:
        together.wait()
        race, writer = divmod(number, WRITERS)
        return write(race, b"writer %d" % writer)

    with ThreadPoolExecutor(races * WRITERS) as pool:
        won = list(pool.map(go, range(races * WRITERS)))
    return [sum(won[race * WRITERS : (race + 1) * WRITERS]) for race in range(races)]


if __name__ == "__main__":
    run(main)
