"""What an object store does for us: five calls, two of them conditional.

Keys are like paths. What is immutable is put once; what changes is swapped, by whoever has seen its present state.
`objects/files.py` and `objects/s3.py` are the stores there are.
"""

import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from core.errors import ObjectNotFound, StoreAway

TRIES = 5  # of a conditional put whose answer says nothing
PAUSE_S = 0.1  # at most before the second try, twice that before the third, and so on
KEY = re.compile(r"(?!.*(^|/)\.{1,2}(/|$))[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
PART = re.compile(r"[A-Za-z0-9._-]+")  # of a key


class Stored(NamedTuple):
    """An object as it is now. Its tag changes with its bytes."""

    data: bytes
    tag: str


class Listed(NamedTuple):
    """An object in a list."""

    key: str
    bytes: int
    changed_at: float  # seconds since 1970, by the store's clock


class Refused(Exception):
    """The condition of a put did not hold: nothing was written by it."""


class Unclear(Exception):
    """The answer to a conditional put does not say whether it was carried out."""


def check_key(key: str) -> str:
    """A key as it is. Raises ValueError for one that not every store can have."""
    if not KEY.fullmatch(key):
        raise ValueError(f"no key of an object: {key!r}; allowed: parts of A-Za-z0-9._- between slashes, none . or ..")
    return key


class ObjectStore(ABC):
    """A store that any number of machines use at once. Every method raises StoreAway, or StoreRefused for no right."""

    @abstractmethod
    def get(self, key: str) -> Stored:
        """An object. Raises ObjectNotFound."""

    @abstractmethod
    def get_unless(self, key: str, tag: str | None) -> Stored | None:
        """An object, or None where it still has this tag. Raises ObjectNotFound."""

    @abstractmethod
    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin with a prefix that is empty or ends with a slash.

        Those of a folder come one after another.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object, where there is one."""

    @abstractmethod
    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        """Write an object that has this tag; None: that is not there. Raises Refused or Unclear."""

    def has(self, key: str) -> bool:
        """Whether there is an object."""
        return self._now(key) is not None

    def put_once(self, key: str, data: bytes) -> bool:
        """Write an object that is not there. True also where it is there with these very bytes."""
        return self._settle(key, data, None)

    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        """Replace the object that has this tag; None: write one that is not there. Whether `data` was written.

        No two callers may write the same bytes: whoever cannot tell looks whether its own are there.
        """
        return self._settle(key, data, tag)

    def _settle(self, key: str, data: bytes, tag: str | None) -> bool:
        """Put, and where the answer does not say what became of it, look.

        A put that a client or a proxy sent twice is refused for its own success, and some stores answer a conflict
        though nothing was written.
        """
        why: Exception | None = None
        for number in range(TRIES):
            time.sleep(random.uniform(0, PAUSE_S * number))
            try:
                self._put_if(key, data, tag)
            except (Refused, Unclear) as answer:
                now = self._now(key)
                if now is not None and now.data == data:
                    return True
                if (now.tag if now else None) != tag:
                    return False
                why = answer
            else:
                return True
        raise StoreAway(f"{key}: after {TRIES} tries nobody knows whether it was written: {why}")

    def _now(self, key: str) -> Stored | None:
        try:
            return self.get(key)
        except ObjectNotFound:
            return None
