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
from sharing.following import Follower
from sharing.runs import Runs, SharedRuns
from sharing.shelf import SharedShelf


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
        shelf = Shelf(settings.shelf_dir) if store is None else SharedShelf(settings.shelf_dir, store)
        datasets = _datasets(settings, store)
        follower = None if store is None else Follower(settings.following_dir, [shelf.catch_up, datasets.catch_up])
        return cls(
            settings=settings,
            shelf=shelf,
            datasets=datasets,
            uploads=Uploads(settings.uploads_dir, settings.max_all_uploads_bytes),
            runs=_runs(settings, store),
            store=store,
            follower=follower,
        )


def _datasets(settings: Settings, store: ObjectStore | None) -> DatasetShelf:
    root = settings.imported_dir
    return DatasetShelf(root) if store is None else SharedDatasets(root, store, settings.store_grace_s)


def _runs(settings: Settings, store: ObjectStore | None) -> Runs:
    root = settings.runs_dir
    return Runs(root) if store is None else SharedRuns(root, store, settings.runs_cache_dir)
