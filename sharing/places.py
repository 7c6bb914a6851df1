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
from sharing.runs import Runs


@dataclass(frozen=True)
class Places:
    """The places of one deployment. Any number of processes, and with a store of machines, may have them open."""

    settings: Settings
    shelf: Shelf
    datasets: DatasetShelf
    uploads: Uploads
    runs: Runs
    store: ObjectStore | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open them."""
        return cls(
            settings=settings,
            shelf=Shelf(settings.shelf_dir),
            datasets=DatasetShelf(settings.imported_dir),
            uploads=Uploads(settings.uploads_dir, settings.max_all_uploads_bytes),
            runs=Runs(settings.runs_dir),
            store=open_store(settings),
        )
