"""The number of the schema: which versions can read what this one keeps.

A version adds fields, and readers ignore those that they do not know. Whatever an older version could not read or would
misunderstand, such as another meaning of a field or a new word where the words are a closed set, takes a new number.
What is kept without a number is of schema 1.

    <data folder>/schema    the number of the version that wrote there last, in a line
    digitforge:schema       the same of Redis: see jobs/schema.py
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from core.errors import StartError
from core.files import write_file

SCHEMA = 1
FIRST = 1  # of what has no number
FILE = "schema"
RESTORING = "restoring"  # stands in the place of the number until a restore is complete


def require_readable(found: str, where: str) -> None:
    """Raise StartError where the number that was found, empty for none, is of a newer version or is no number."""
    if found == RESTORING:
        raise StartError(f"{where}: a restore began and did not end; run `digitforge restore` again")
    if not found:
        return
    if not found.isascii() or not found.isdigit():
        raise StartError(f"{where} = {found!r}: not the number of a schema; allowed: a number up to {SCHEMA}")
    if int(found) > SCHEMA:
        raise StartError(
            f"{where} = {found}: written by a newer version of digitforge; this one reads up to {SCHEMA}; "
            "start the newer version, or restore a backup that this one made"
        )


def _known(number: int) -> int:
    if number > SCHEMA:
        raise ValueError(f"written by a newer version, as schema {number}; this one reads up to {SCHEMA}")
    return number


# The number in a card. The first one is left out: versions that know no numbers refuse a field that they do not know.
SchemaNumber = Annotated[
    int,
    Field(ge=FIRST, exclude_if=lambda number: number == FIRST, description="Left out where it is 1."),
    AfterValidator(_known),
]


def claim_folder(folder: Path, *, writes: bool) -> None:
    """Refuse a data folder of a newer version, as `require_readable` does; else note ours, if it may be written."""
    path = folder / FILE
    try:
        found = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        found = ""
    require_readable(found, str(path))
    if writes and found != str(SCHEMA):
        note(folder, str(SCHEMA))


def note(folder: Path, what: str) -> None:
    """Write down the number, or that a restore is under way."""
    write_file(folder / FILE, f"{what}\n".encode("ascii"))
