"""What people say of models: labels and a note. They change, and stand beside the checkpoints, which never do.

    <folder>/<model id>.json    Notes; a model without any has no file

Each file changes by one rename. Whoever changes one holds the lock of the shelf, so no change is lost.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.files import write_file
from models.shelf_index import SETTLED_NS

SUFFIX = ".json"

logger = logging.getLogger(__name__)


class Notes(BaseModel):
    """What is said of a model."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    labels: dict[str, str] = Field(default_factory=dict, description="Words with their values; '' is the word alone.")
    note: str = ""

    def has(self, wanted: str) -> bool:
        """Whether there is a label `word`, whatever its value, or the label `word=value`."""
        word, separator, value = wanted.partition("=")
        return word in self.labels and (not separator or self.labels[word] == value)


NO_NOTES = Notes()


class _Read(NamedTuple):
    changed: tuple[int, int]  # when the file was, and which file it is
    notes: Notes


class NotesFolder:
    """The notes of the models of a shelf. Any thread may ask. Whoever changes them holds the lock of the shelf."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Read] = {}
        self._good_for_ns: int | None = None  # the change of the folder that they go with

    def of(self, model_id: str) -> Notes:
        """The notes of a model; none from a damaged file, which is logged."""
        path = self._file(model_id)
        try:
            return Notes.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return NO_NOTES
        except ValidationError as error:
            logger.error("%s: neither labels nor a note: %s", path, error)
            return NO_NOTES

    def every(self) -> Mapping[str, Notes]:
        """The notes of all models that have some, by id. A file is read again only once it has changed."""
        try:
            changed_ns = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed_ns != self._good_for_ns:
            settled = time.time_ns() - changed_ns > SETTLED_NS
            self._known = dict(self._read())
            self._good_for_ns = changed_ns if settled else None
        return {model_id: read.notes for model_id, read in self._known.items()}

    def put(self, model_id: str, notes: Notes) -> None:
        """Keep the notes of a model; on disk when this returns."""
        if notes == NO_NOTES:
            self.drop(model_id)
            return
        self._folder.mkdir(exist_ok=True)
        write_file(self._file(model_id), notes.model_dump_json(indent=2).encode() + b"\n")

    def drop(self, model_id: str) -> None:
        """Keep nothing of what was said of a model."""
        self._file(model_id).unlink(missing_ok=True)

    def _read(self) -> Iterator[tuple[str, _Read]]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                model_id = entry.name.removesuffix(SUFFIX)
                if entry.name.startswith(".") or model_id == entry.name:
                    continue
                try:
                    status = entry.stat()
                except FileNotFoundError:  # replaced, or dropped, this very moment
                    continue
                changed, known = (status.st_mtime_ns, status.st_ino), self._known.get(model_id)
                yield model_id, known if known and known.changed == changed else _Read(changed, self.of(model_id))

    def _file(self, model_id: str) -> Path:
        return self._folder / f"{model_id}{SUFFIX}"
