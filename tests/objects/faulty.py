"""A store in memory whose answers go wrong: lost after the write, of a write that was none, too late, given twice."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from hashlib import sha256

from core.errors import ObjectNotFound, StoreAway
from objects.store import Listed, ObjectStore, Refused, Stored, Unclear, check_key


class Fault(Enum):
    """What becomes of a call."""

    NONE = auto()
    LOST = auto()  # carried out, and the answer never came
    NOTHING = auto()  # not carried out: 409, 503
    TWICE = auto()  # sent again by a proxy: the answer is that of the second
    LATE = auto()  # given up by the caller, and carried out just before the next put
    AWAY = auto()  # no connection


class FaultyStore(ObjectStore):
    """`next_fault` is asked at each call what becomes of it. Threads may share one."""

    def __init__(self, next_fault: Callable[[], Fault]) -> None:
        self.next_fault = next_fault
        self._objects: dict[str, tuple[bytes, float]] = {}
        self._late: list[tuple[str, bytes, str | None]] = []
        self._lock = threading.Lock()

    def get(self, key: str) -> Stored:
        """An object. Raises ObjectNotFound."""
        self._reading()
        with self._lock:
            if check_key(key) not in self._objects:
                raise ObjectNotFound(key)
            return Stored(self._objects[key][0], self._tag(key) or "")

    def get_unless(self, key: str, tag: str | None) -> Stored | None:
        """An object, or None where it still has this tag. Raises ObjectNotFound."""
        stored = self.get(key)
        return None if stored.tag == tag else stored

    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin with a prefix that is empty or ends with a slash."""
        self._reading()
        with self._lock:
            found = [
                Listed(key, len(data), at)
                for key, (data, at) in sorted(self._objects.items())
                if key.startswith(prefix)
            ]
        yield from found

    def delete(self, key: str) -> None:
        """Remove an object, where there is one."""
        fault = self.next_fault()
        if fault in (Fault.AWAY, Fault.NOTHING):
            raise StoreAway(key)
        with self._lock:
            self._objects.pop(check_key(key), None)
        if fault is Fault.LOST:
            raise StoreAway(key)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        fault = self.next_fault()
        self.deliver()
        with self._lock:
            if fault is Fault.LATE:
                self._late.append((check_key(key), data, tag))
            if fault in (Fault.NOTHING, Fault.LATE, Fault.AWAY):
                raise Unclear(key)
            written = self._write(key, data, tag)
            if fault is Fault.TWICE:
                written = self._write(key, data, tag)
        if fault is Fault.LOST:
            raise Unclear(key)
        if not written:
            raise Refused

    def deliver(self) -> None:
        """Carry out what is late."""
        with self._lock:
            late, self._late = self._late, []
            for one in late:
                self._write(*one)

    def _reading(self) -> None:
        if self.next_fault() is Fault.AWAY:
            raise StoreAway("no connection")

    def _write(self, key: str, data: bytes, tag: str | None) -> bool:
        if self._tag(check_key(key)) != tag:
            return False
        self._objects[key] = data, time.time()
        return True

    def _tag(self, key: str) -> str | None:
        return sha256(self._objects[key][0]).hexdigest() if key in self._objects else None


def at_random(seed: int, share: float, faults: list[Fault]) -> Callable[[], Fault]:
    """One of `faults` for a share of the calls, but never more than three in a row for a thread."""
    numbers, in_a_row = random.Random(seed), threading.local()

    def choose() -> Fault:
        before = getattr(in_a_row, "number", 0)
        fault = numbers.choice(faults) if before < 3 and numbers.random() < share else Fault.NONE
        in_a_row.number = 0 if fault is Fault.NONE else before + 1
        return fault

    return choose
