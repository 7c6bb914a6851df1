"""A file of keys, DIGITFORGE_KEYS_FILE: for deployments whose keys come from elsewhere, and for the first key of all.

    {"keys": [{"id": ..., "name": ..., "scopes": [...], "sha256": ..., "created_at": ..., "expires_at": ...}, ...]}

It holds digests, no keys. `digitforge keys create --in-file` writes it. Unlike records in Redis it is read strictly: a
limit with a typing error in its name would be none.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from access.key_record import KeyRecord, Scopes
from core.access import Limits
from core.errors import StartError
from core.files import write_file
from core.validation import explain

logger = logging.getLogger(__name__)

ALLOWED = "a file that `digitforge keys create --in-file` wrote"
Stamp = tuple[int, int, int]  # changes with the file


class FiledKey(KeyRecord):
    """A key in the file: what is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scopes: Scopes
    limits: Limits = Limits()


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[FiledKey, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [key.id for key in self.keys]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise PydanticCustomError(
                "twice", "each id may stand there once, and these do more often: {ids}", {"ids": twice}
            )
        return self


class KeyFile:
    """The keys of a file as it is now, or as it was when it could be read last."""

    def __init__(self, path: Path) -> None:
        """Raises StartError for a file that cannot be read: there is nothing good to go on with."""
        self.path = path
        self._stamp = _stamp(path)
        self.records = read_keys(path)

    def look(self) -> bool:
        """Read it again where it has changed; whether its keys are others now. One that is broken is logged once."""
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.records = read_keys(self.path)
        except StartError as error:
            logger.error("the keys of before go on: %s", error)
            return False
        return True


def read_keys(path: Path) -> tuple[FiledKey, ...]:
    """The keys in a file. Raises StartError, which names the file, the field and what is allowed."""
    try:
        return _Content.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise StartError(f"DIGITFORGE_KEYS_FILE = {str(path)!r}: {error.strerror}; allowed: {ALLOWED}") from error
    except ValidationError as error:
        faults = [explain(one, [*_model_at(*one["loc"]).model_fields]) for one in error.errors()]
        said = "; ".join(f"{fault.field}: {fault.detail}" for fault in faults)
        raise StartError(f"DIGITFORGE_KEYS_FILE = {str(path)!r}: {said}; allowed: {ALLOWED}") from error


def _model_at(*path: str | int) -> type[BaseModel]:
    """What a field at a path belongs to."""
    return Limits if "limits" in path[:-1] else FiledKey if len(path) > 1 else _Content


def write_keys(path: Path, records: Sequence[KeyRecord]) -> None:
    """Replace a file by one with these keys. Raises OSError."""
    content = _Content(keys=tuple(FiledKey.model_validate(record.model_dump()) for record in records))
    write_file(path, content.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
