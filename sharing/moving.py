"""From the data folder of one machine into an empty store, while no API and no worker runs.

Everything is put under new owners, and named last: by the records of jobs, by the documents of uploads, by
`datasets.json`, and at the end by `shelf.json`. A move that breaks off is done again from its start; what it had put is
garbage then.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from core.card import CARD, Card, verify_checkpoint
from core.dataset_card import CARD as DATASET_CARD
from core.dataset_card import FLOOR, IMAGES, JUDGE, LABELS
from core.dataset_shelf import DatasetShelf
from core.errors import CheckpointError, DatasetDamaged, StartError, UploadNotFound
from core.moved import note_moved
from core.run_dir import JobDir
from core.scores import Floor
from core.settings import Settings
from core.uploads import Uploads
from jobs.record import Job, JobStatus
from jobs.store import JobStore
from jobs.workers import FORGET_S
from models.active_models import ActiveModels
from models.finished_models import MODEL_ID
from models.notes import NotesFolder
from objects.store import ObjectStore
from objects.trees import CHUNK, file_names, put_file, put_list, put_tree
from sharing.datasets_document import DATASETS, DatasetEntry, DatasetsContent, StoredFolder, datasets_document
from sharing.garbage import DOCUMENTS, MOVING, Collector
from sharing.shelf_document import MODELS, KeptCard, ModelEntry, ShelfContent, shelf_document
from sharing.upload_document import Piece, UploadContent, owner_of, upload_document

ARRAYS = (IMAGES, LABELS)


class Moved(NamedTuple):
    """How much went into the store, and what did not."""

    models: int
    datasets: int
    uploads: int
    jobs: int
    left_out: list[str]  # in words


class Move:
    """Moves one deployment."""

    def __init__(self, settings: Settings, store: ObjectStore, jobs: JobStore) -> None:
        """`settings` name the store, and the data folder that is moved."""
        self._settings, self._store, self._jobs = settings, store, jobs
        self._from = settings.model_copy(update={"store_url": None})
        self._left_out: list[str] = []

    def carry_out(self) -> Moved:
        """Do it. The data folder stays as it is, with a note. Raises StartError with nothing named, and StoreAway."""
        self._require_rest()
        self._require_empty()
        Collector(self._store, self._jobs, self._settings.store_grace_s).require_ours()
        self._store.put_once(MOVING, b"")
        jobs = self._put_runs()
        uploads = self._put_uploads()
        datasets = self._datasets()
        models = self._models()
        datasets_document(self._store).change(lambda *_: datasets)
        shelf_document(self._store).change(lambda *_: models)
        note_moved(self._settings)
        self._store.delete(MOVING)
        return Moved(len(models.models), len(datasets.sets), uploads, jobs, self._left_out)

    def _require_rest(self) -> None:
        """Refuse where a service may do something meanwhile: it would be on the disk alone, and lost with it."""
        for worker in self._jobs.workers.all():
            raise StartError(
                f"worker {worker.main.id} runs on {worker.main.host}; allowed: once the API and all workers were"
                f" stopped; one that was killed counts for {FORGET_S:g} s"
            )
        running = [job.id for job in self._jobs.page(1, status=JobStatus.RUNNING)]
        if running:
            raise StartError(
                f"job {running[0]} runs; allowed: once all workers were stopped by SIGTERM, as `make up` does"
            )

    def _require_empty(self) -> None:
        for key in DOCUMENTS.values():
            if self._store.has(key) and not self._store.has(MOVING):
                raise StartError(
                    f"DIGITFORGE_STORE_URL = {self._settings.store_url!r}: {key} is there; allowed: an empty store"
                )

    def _put_runs(self) -> int:
        unknown, put = {path.name for path in self._from.runs_dir.glob("[!.]*")}, 0
        for job in self._every_job():
            put += self._put_run(job)
            unknown.discard(job.id)
        self._left_out += [f"run directory {job_id}: this Redis knows no such job" for job_id in sorted(unknown)]
        return put

    def _every_job(self) -> Iterator[Job]:
        after = None
        while page := self._jobs.page(100, after):
            yield from page
            after = page[-1].id

    def _put_run(self, job: Job) -> bool:
        """The newest run directory of a job, which has all that those before left."""
        for run in JobDir(self._from.runs_dir, job.id).attempts(job.attempt):
            owner = f"runs/{job.id}/a{int(run.folder.name.rpartition('-')[2]):03d}"
            names = [name for name in file_names(run.folder) if not name.startswith(f"{run.dataset.name}/")]
            key = put_list(self._store, owner, put_tree(self._store, owner, run.folder, names))
            self._jobs.note_saved(job.id, key)
            return True
        self._jobs.note_saved(job.id, None)  # a store of an earlier life may have had it
        return False

    def _put_uploads(self) -> int:
        uploads, put = Uploads(self._from.uploads_dir), 0
        for upload_id in uploads.ids():
            try:
                upload = uploads.get(upload_id)
            except UploadNotFound:  # half written
                continue
            stored = put_file(self._store, owner_of(upload_id), upload.data)
            ends = [min(CHUNK, stored.bytes - CHUNK * place) for place in range(len(stored.chunks))]
            pieces = tuple(Piece(chunk=chunk, bytes=size) for chunk, size in zip(stored.chunks, ends, strict=True))
            content = UploadContent(meta=upload.meta, used_at=upload.used_at, pieces=pieces)
            upload_document(self._store, upload_id).change(lambda *_, content=content: content)
            put += 1
        return put

    def _datasets(self) -> DatasetsContent:
        shelf, sets = DatasetShelf(self._from.imported_dir), {}
        for dataset_id in shelf.ids():
            folder = shelf.folder(dataset_id)
            try:
                name = shelf.card(dataset_id).name
            except DatasetDamaged as error:
                self._left_out.append(f"data set {dataset_id}: {error}")
                continue
            there = [path.name for path in folder.iterdir() if path.is_file() and path.name in file_names(folder)]
            said = [one for one in there if one not in (*ARRAYS, FLOOR)]
            arrays = [one for one in there if one in ARRAYS]
            sets[dataset_id] = DatasetEntry(
                name=name,
                imported_at=(folder / DATASET_CARD).stat().st_mtime,
                said=self._put_part(dataset_id, folder, said),
                arrays=self._put_part(dataset_id, folder, arrays) if IMAGES in arrays else None,
                judge=self._put_part(dataset_id, folder / JUDGE) if (folder / JUDGE).is_dir() else None,
                floor=_floor(folder / FLOOR),
            )
        names = {name: dataset_id for name, dataset_id in shelf.names().items() if dataset_id in sets}
        return DatasetsContent(names=names, sets=sets)

    def _put_part(self, dataset_id: str, folder: Path, names: list[str] | None = None) -> StoredFolder:
        owner = f"{DATASETS}/{dataset_id}.{secrets.token_hex(8)}"
        return StoredFolder(owner=owner, files=put_tree(self._store, owner, folder, names))

    def _models(self) -> ShelfContent:
        root = self._from.shelf_dir
        pointers = ActiveModels.read(root / "active")
        deleted = {path.name: self._kept_card(path) for path in _models_in(root / "deleted")}
        models = {path.name: entry for path in _models_in(root) if (entry := self._model(path))}
        return ShelfContent(
            changes=pointers.changes,
            overall=pointers.overall,
            datasets=pointers.datasets,
            models=models,
            notes=dict(NotesFolder(root / "notes").every()),
            deleted=deleted,
        )

    def _model(self, folder: Path) -> ModelEntry | None:
        try:
            card: Card = verify_checkpoint(folder)
        except CheckpointError as error:
            self._left_out.append(f"model {folder.name}: {error}")
            return None
        owner = f"{MODELS}/{folder.name}.{secrets.token_hex(8)}"
        return ModelEntry(
            owner=owner,
            files=put_tree(self._store, owner, folder, [CARD, *card.sha256]),
            created_at=card.created_at,
            dataset=card.recipe.dataset,
            arrived_at=folder.stat().st_mtime,
        )

    def _kept_card(self, folder: Path) -> KeptCard:
        owner = f"{MODELS}/{folder.name}.{secrets.token_hex(8)}"
        return KeptCard(
            owner=owner, card=put_file(self._store, owner, folder / CARD), deleted_at=folder.stat().st_mtime
        )


def _models_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if MODEL_ID.fullmatch(path.name) and (path / CARD).is_file())


def _floor(path: Path) -> Floor | None:
    try:
        return Floor.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
