"""Names of classes that came in a text file beside arrays: a name in each line, or EMNIST's table of characters."""

import re
from dataclasses import replace

from worker.importing.sources.array_source import Part
from worker.importing.sources.unpacked import Unpacked

MOST_BYTES = 2**16
MOST_LENGTH = 64  # characters of a name
MAPPING = re.compile(r"(\d{1,4})[ \t]+(\d{2,5})([ \t]+\d{2,5})*")  # label, code of a character, perhaps of more


def names_in(file: Unpacked) -> dict[str, str]:
    """Label -> name, from a small text file; nothing from any other file."""
    if file.size > MOST_BYTES:
        return {}
    try:
        lines = [line.strip() for line in file.read(0, file.size).decode("utf-8").splitlines()]
    except UnicodeDecodeError:
        return {}
    lines = [line for line in lines if line]
    tables = [MAPPING.fullmatch(line) for line in lines]
    if lines and all(tables):
        return {match[1]: chr(int(match[2])) for match in tables if match and int(match[2]) < 0xD800}
    if not 2 <= len(set(lines)) == len(lines) or any(
        len(line) > MOST_LENGTH or not line.isprintable() for line in lines
    ):
        return {}
    return {str(k): name for k, name in enumerate(lines)}


def with_names(parts: list[Part], candidates: list[dict[str, str]]) -> list[Part]:
    """Parts with labels by name, where one of the files has a name for each label that came and for no other."""
    labels = {str(label) for part in parts for label in part.labels or [] if label is not None}
    names = next((names for names in candidates if names.keys() == labels), None)
    if names is None:
        return parts
    return [
        replace(part, labels=[None if label is None else names[str(label)] for label in part.labels])
        if part.labels is not None
        else part
        for part in parts
    ]
