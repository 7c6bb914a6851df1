"""What machines ask of their object store, as CPU time of a SeaweedFS, and what a long shelf costs.

`python -m bench.store_load`, about half a minute. CPU time and not calls a second, because the server shares this
machine with its callers.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.load import cpu_s
from objects.s3 import S3Store
from objects.store import ObjectStore
from objects.trees import StoredFile, Tree
from sharing.shelf_document import SHELF_KEY, KeptCard, ModelEntry, ShelfContent, shelf_document
from tests.object_servers import SeaweedFS

CALLS, CHUNKS = 1000, 20
CHUNK = 8 << 20
SHELVES = (100, 1_000, 10_000)  # models


def main() -> None:
    """Measure, and print two tables."""
    with tempfile.TemporaryDirectory() as folder, SeaweedFS(Path(folder)) as server:
        lent = server.lend()
        store = S3Store(lent.url, server.environment)
        assert server.process
        _calls(store, server.process.pid)
        _shelves(store)


def _calls(store: ObjectStore, server: int) -> None:
    shelf_document(store).change(lambda *_: _shelf(100, 0))
    tag = store.get(SHELF_KEY).tag
    small, chunk = bytes(4096), bytes(CHUNK)
    print("| call | CPU of SeaweedFS, µs | a second by one core |\n|---|---|---|")
    for what, count, call in (
        ("GET of an unchanged document (304)", CALLS, lambda _: store.get_unless(SHELF_KEY, tag)),
        ("GET of 4 KiB", CALLS, lambda number: store.get(f"small/{number % 100}")),
        ("PUT of 4 KiB, once", CALLS, lambda number: store.put_once(f"put/{number}", small)),
        ("PUT of 8 MiB, once", CHUNKS, lambda number: store.put_once(f"chunk/{number}", chunk)),
    ):
        if "GET of 4" in what:
            for number in range(100):
                store.put_once(f"small/{number}", small)
        before_s = cpu_s(server)
        for number in range(count):
            call(number)
        cpu_us = (cpu_s(server) - before_s) / count * 1e6
        print(f"| {what} | {cpu_us:,.0f} | {1e6 / cpu_us:,.0f} |", flush=True)


def _shelves(store: ObjectStore) -> None:
    document = shelf_document(store)
    print("\n| models | deleted | `shelf.json`, kB | a change, ms | a read after one, ms |\n|---|---|---|---|---|")
    for models, deleted in [(models, 0) for models in SHELVES] + [(100, 10_000)]:
        content = _shelf(models, deleted)
        document.change(lambda *_, content=content: content)
        changed = _ms(lambda: document.change(lambda found, _: found.model_copy(update={"changes": found.changes + 1})))
        size = len(store.get(SHELF_KEY).data)
        print(
            f"| {models:,} | {deleted:,} | {size / 1000:,.0f} | {changed:.0f} | {_ms(document.read):.0f} |", flush=True
        )


def _shelf(models: int, deleted: int) -> ShelfContent:
    """A shelf as long trainings leave it."""
    return ShelfContent(
        models={f"{number:016x}": _entry(f"models/{number:016x}.0123456789abcdef") for number in range(models)},
        deleted={
            f"{number:016x}": KeptCard(
                owner=f"models/{number:016x}.fedcba9876543210", card=_file("d", number), deleted_at=1.8e9
            )
            for number in range(models, models + deleted)
        },
    )


def _entry(owner: str) -> ModelEntry:
    files = {name: _file(owner, number) for number, name in enumerate(("card.json", "g.safetensors", "d.safetensors"))}
    now = datetime.now(UTC)
    return ModelEntry(owner=owner, files=Tree(files=files), created_at=now, dataset="mnist", arrived_at=now.timestamp())


def _file(owner: str, number: int) -> StoredFile:
    digest = f"{number:064x}"
    return StoredFile(bytes=4_000_000 + number, sha256=digest, chunks=(f"{owner}/{digest}",))


def _ms(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return (time.monotonic() - began) * 1000


if __name__ == "__main__":
    main()
