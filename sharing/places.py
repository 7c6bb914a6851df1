"""Where the models, data sets, uploads and runs of a deployment are, opened once by each process.

Without a store they are on this machine's disk. With one the store has them, and the disk what this machine needs.
"""

from dataclasses import dataclass
from typing import Self

from core.dataset_shelf import DatasetShelf
from core.settings import Settings
from core.uploads import Uploads
from models.shelf import Shelf
from objects.opening import open_store
from objects.store import ObjectStore
from sharing.datasets import SharedDatasets
from sharing.eviction import Eviction
from sharing.following import Follower
from sharing.runs import Runs, SharedRuns
from sharing.shelf import SharedShelf
from sharing.uploads import SharedUploads


@dataclass(frozen=True)
class Places:
    """The places of one deployment. Any number of processes, and with a store of machines, may have them open."""

    settings: Settings
    shelf: Shelf
    datasets: DatasetShelf
    uploads: Uploads
    runs: Runs
    store: ObjectStore | None = None
    follower: Follower | None = None  # with a store: a process of each room starts one

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open them."""
        store = open_store(settings)
        shelf = _shelf(settings, store)
        datasets = _datasets(settings, store)
        eviction = Eviction(settings.shelf_dir, shelf)
        looks = [shelf.catch_up, datasets.catch_up, eviction.now_and_then]
        follower = None if store is None else Follower(settings.following_dir, looks)
        return cls(
            settings=settings,
            shelf=shelf,
            datasets=datasets,
            uploads=_uploads(settings, store),
            runs=_runs(settings, store),
            store=store,
            follower=follower,
        )


def _shelf(settings: Settings, store: ObjectStore | None) -> Shelf:
    root, grace_s = settings.shelf_dir, settings.store_grace_s
    return Shelf(root) if store is None else SharedShelf(root, store, grace_s=grace_s)


def _datasets(settings: Settings, store: ObjectStore | None) -> DatasetShelf:
    root = settings.imported_dir
    return DatasetShelf(root) if store is None else SharedDatasets(root, store, settings.store_grace_s)


def _uploads(settings: Settings, store: ObjectStore | None) -> Uploads:
    root, most_bytes = settings.uploads_dir, settings.max_all_uploads_bytes
    return Uploads(root, most_bytes) if store is None else SharedUploads(root, store, most_bytes)


def _runs(settings: Settings, store: ObjectStore | None) -> Runs:
    root = settings.runs_dir
    return Runs(root) if store is None else SharedRuns(root, store, settings.runs_cache_dir)
