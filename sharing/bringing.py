"""From a store to a data folder as one machine has it, while the service runs. A backup is made of that.

A document is read as it is now, and then what it names. Where that is gone, the document is read again: it was deleted
meanwhile.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.card import CARD
from core.dataset_card import CARD as DATASET_CARD
from core.dataset_card import FLOOR, JUDGE, read_dataset_card
from core.dataset_shelf import DatasetShelf
from core.errors import DocumentDamaged, ObjectNotFound
from core.files import write_file
from core.run_dir import JobDir
from core.settings import Settings
from core.uploads import DATA, META
from jobs.reader import JobReader
from models.active_models import ActiveModels
from models.notes import NotesFolder
from objects.store import ObjectStore
from objects.trees import StoredFile, Tree, get_file, get_list
from sharing.datasets_document import DatasetEntry, datasets_document
from sharing.shelf_document import ShelfContent, shelf_document
from sharing.upload_document import UPLOADS, UploadContent, upload_document

LOOKS = 20  # at a document whose chunks vanish


class Bring:
    """Brings what a deployment has in a store into a folder, which is empty at first.

    Every method raises DocumentDamaged where something is missing in the store, StoreAway, and OSError.
    """

    def __init__(self, folder: Path, store: ObjectStore) -> None:
        self._to = Settings(data_dir=folder).model_copy(update={"store_url": None})
        self._store = store

    def upload(self, upload_id: str) -> None:
        """Have an upload, where it is there."""
        self._again(lambda: self._upload(upload_id))

    def uploads(self) -> None:
        """Have all of them."""
        for key in [one.key for one in self._store.list(f"{UPLOADS}/") if one.key.endswith(".json")]:
            self.upload(key.removeprefix(f"{UPLOADS}/").removesuffix(".json"))

    def run(self, jobs: JobReader, job_id: str, newest: int) -> None:
        """Have what was saved last of a job, as one of its attempts up to the `newest`."""
        self._again(lambda: self._run(jobs, job_id, newest))

    def datasets(self) -> None:
        """Have the data sets and their names."""
        self._again(self._datasets)

    def models(self) -> None:
        """Have the models, and all that is said of them."""
        self._again(self._models)

    def _again(self, bring: Callable[[], None]) -> None:
        for _ in range(LOOKS - 1):
            with suppress(ObjectNotFound):
                return bring()
        try:
            bring()
        except ObjectNotFound as error:
            raise DocumentDamaged(f"the store lacks {error}, which is named there") from error

    def _upload(self, upload_id: str) -> None:
        folder = self._to.uploads_dir / upload_id
        content: UploadContent = upload_document(self._store, upload_id).read()[0]
        if content.meta is None or content.deleted or (folder / META).exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / DATA).open("wb") as file:
            for piece in content.pieces:
                file.write(self._store.get(piece.chunk).data)
        (folder / META).write_text(content.meta.model_dump_json(), encoding="utf-8")
        for name in (DATA, META):
            os.utime(folder / name, (content.used_at, content.used_at))

    def _run(self, jobs: JobReader, job_id: str, newest: int) -> None:
        kept = jobs.kept_runs([job_id])[job_id]
        if kept is None or not kept.saved or not newest:
            return
        attempt = int(kept.saved.split("/")[2].removeprefix("a"))
        folder = JobDir(self._to.runs_dir, job_id).attempt(min(attempt, newest)).folder
        self._tree(get_list(self._store, kept.saved), folder)

    def _datasets(self) -> None:
        content, _ = datasets_document(self._store).read()
        shelf = DatasetShelf(self._to.imported_dir)
        for dataset_id, entry in content.sets.items():
            self._dataset(shelf.folder(dataset_id), entry)
        for name, dataset_id in content.names.items():
            shelf.point(name, dataset_id)

    def _dataset(self, folder: Path, entry: DatasetEntry) -> None:
        parts = [entry.said, *([entry.arrays] if entry.arrays else [])]
        self._tree(Tree(files={name: file for part in parts for name, file in part.files.files.items()}), folder)
        card = read_dataset_card(folder)
        if card.name != entry.name:  # which is the one that its models have
            renamed = card.model_copy(update={"name": entry.name})
            write_file(folder / DATASET_CARD, renamed.model_dump_json(indent=2).encode() + b"\n")
        if entry.judge is not None:
            self._tree(entry.judge.files, folder / JUDGE)
        if entry.floor is not None:
            write_file(folder / FLOOR, entry.floor.model_dump_json(indent=2).encode() + b"\n")
        os.utime(folder / DATASET_CARD, (entry.imported_at, entry.imported_at))

    def _models(self) -> None:
        root = self._to.shelf_dir
        content: ShelfContent = shelf_document(self._store).read()[0]
        for model_id, entry in content.models.items():
            self._tree(entry.files, root / model_id, entry.arrived_at)
        for model_id, kept in content.deleted.items():
            self._tree(Tree(files={CARD: kept.card}), root / "deleted" / model_id, kept.deleted_at)
        notes = NotesFolder(root / "notes")
        for model_id, said in content.notes.items():
            notes.put(model_id, said)
        if content.pointers != ActiveModels():
            content.pointers.write(root / "active")

    def _tree(self, tree: Tree, folder: Path, at: float | None = None) -> None:
        """Have the files of a tree; those of another try are replaced."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in tree.files.items():
            if not _is_whole(folder / name, file):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                get_file(self._store, file, folder / name)
        if at is not None:
            os.utime(folder, (at, at))


def _is_whole(path: Path, file: StoredFile) -> bool:
    """Whether a file of another try is there; it was verified then."""
    try:
        return path.stat().st_size == file.bytes
    except FileNotFoundError:
        return False
