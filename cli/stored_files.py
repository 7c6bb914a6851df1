"""The files of a deployment with a store, for a backup: fetched into a folder beside, in the order of `DataFiles`."""

from collections.abc import Mapping
from pathlib import Path

from cli.archive import ArchiveWriter
from cli.data_files import DataFiles
from jobs.reader import JobReader
from objects.store import ObjectStore
from sharing.bringing import Bring


class StoredFiles(DataFiles):
    """Writes them into an archive, as if one machine had them."""

    def __init__(self, folder: Path, archive: ArchiveWriter, store: ObjectStore, jobs: JobReader) -> None:
        """`folder` is empty, and has room for all of them."""
        super().__init__(folder, archive)
        self._bring, self._jobs = Bring(folder, store), jobs

    def put_upload(self, upload_id: str) -> bool:
        """An upload that an import is to read; false where it is gone."""
        self._bring.upload(upload_id)
        return super().put_upload(upload_id)

    def put_all(self, attempts: Mapping[str, int]) -> None:
        """All else."""
        for job_id, newest in attempts.items():
            self._bring.run(self._jobs, job_id, newest)
        self._bring.uploads()
        self._bring.datasets()
        self._bring.models()
        super().put_all(attempts)
