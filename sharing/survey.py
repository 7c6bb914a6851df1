"""What is in a store, and which of it something names.

The roots are read as plain JSON: every text in them that has the form of a key keeps that object. So a version keeps
what a newer one names in fields that are unknown here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from objects.store import Listed

OWNER = re.compile(r"(models|datasets)/[^/]+")
CHUNK = re.compile(r"((?:models|datasets|uploads|runs)/.+)/[0-9a-f]{64}")
OF_USERS = "notes"  # their own words, which name nothing


@dataclass
class Survey:
    """What was found."""

    objects: Counter[str] = field(default_factory=Counter)  # how many, by the first part of their keys
    bytes: Counter[str] = field(default_factory=Counter)
    garbage: list[Listed] = field(default_factory=list)  # that nothing names, and that is older than the grace
    young: list[Listed] = field(default_factory=list)  # that nothing names as yet
    unknown: list[str] = field(default_factory=list)  # keys of no known form
    missing: list[str] = field(default_factory=list)  # that are named, and are not there

    @property
    def orphans(self) -> list[Listed]:
        """All that nothing names, whatever its age."""
        return [*self.garbage, *self.young]

    def counting(self, listed: Iterable[Listed]) -> Iterator[Listed]:
        """The same objects, counted as they pass."""
        for one in listed:
            self.objects[first_of(one.key)] += 1
            self.bytes[first_of(one.key)] += one.bytes
            yield one

    def add_unnamed(self, listed: Iterable[Listed], before_s: float) -> None:
        """Objects that nothing names: garbage where they have not changed since `before_s`."""
        for one in listed:
            (self.garbage if one.changed_at <= before_s else self.young).append(one)


class Named:
    """The objects that some roots name."""

    def __init__(self, *contents: Any) -> None:
        """`contents` are JSON values."""
        texts = set[str]().union(*map(_texts, contents))
        self.keys = {text for text in texts if CHUNK.fullmatch(text)}
        # An owner without one of its keys is how a version that is unknown here may name all of them.
        self._whole = {text for text in texts if OWNER.fullmatch(text)} - set(map(owner_of, self.keys))

    def keeps(self, key: str) -> bool:
        """Whether an object is named."""
        return key in self.keys or owner_of(key) in self._whole


def first_of(key: str) -> str:
    """The first part of a key."""
    return key.partition("/")[0]


def owner_of(key: str) -> str:
    """The owner of a chunk."""
    return key.rpartition("/")[0]


def _texts(value: Any) -> set[str]:
    match value:
        case str():
            return {value}
        case dict():
            return set[str]().union(*(_texts(inner) for name, inner in value.items() if name != OF_USERS))
        case list():
            return set[str]().union(*map(_texts, value))
        case _:
            return set()
