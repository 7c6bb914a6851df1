"""Any calls to an object store in any order, beside a plain dictionary."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core.errors import ObjectNotFound, StoreAway
from objects.store import ObjectStore
from tests.objects.faulty import Fault, FaultyStore

Answer = TypeVar("Answer")

KEYS = st.sampled_from(["a", "b/a", "b/b.json", "b/c/a-1", "b-c/_"])
BODIES = st.sampled_from([b"", b"a", b"b" * 100_000])
PREFIXES = st.sampled_from(["", "b/", "b/c/", "nothing/"])
TAGS = st.sampled_from(["now", "before", "none"])
FAULTS = st.lists(st.sampled_from([fault for fault in Fault if fault is not Fault.NONE]), max_size=3)


class StoreMachine(RuleBasedStateMachine):
    """Each example has a prefix of its own in one store. `faults` become of its calls, first to last."""

    store: ObjectStore
    faults: list[Fault]

    @initialize()
    def begin(self) -> None:
        self.prefix = secrets.token_hex(8)
        self.objects: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.before: dict[str, str] = {}
        self.written = 0

    @rule(key=KEYS, data=BODIES, faults=FAULTS)
    def put_once(self, key: str, data: bytes, faults: list[Fault]) -> None:
        expected = self.objects.get(key, data) == data
        self._put(key, data, faults, expected, lambda: self.store.put_once(self._in_store(key), data))

    @rule(key=KEYS, which=TAGS, faults=FAULTS)
    def swap(self, key: str, which: str, faults: list[Fault]) -> None:
        self.written += 1
        data = f"{self.written} of {self.prefix}".encode()
        tag = {"now": self.tags.get(key), "before": self.before.get(key), "none": None}[which]
        expected = self.tags.get(key) == tag
        self._put(key, data, faults, expected, lambda: self.store.swap(self._in_store(key), data, tag))

    @rule(key=KEYS, faults=FAULTS)
    def delete(self, key: str, faults: list[Fault]) -> None:
        self.faults[:] = faults
        with suppress(StoreAway):
            self.store.delete(self._in_store(key))
            self._set(key, None)
        self._look(key, self.objects.get(key), None)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        self._look(key, self.objects.get(key))

    @rule(key=KEYS, which=TAGS)
    def get_unless(self, key: str, which: str) -> None:
        tag = {"now": self.tags.get(key), "before": self.before.get(key), "none": None}[which]
        try:
            found = self.store.get_unless(self._in_store(key), tag)
        except ObjectNotFound:
            assert key not in self.objects
            return
        if tag is not None and tag == self.tags[key]:
            assert found is None
        else:
            assert found is not None
            assert found == (self.objects[key], self.tags[key])

    @rule(prefix=PREFIXES)
    def list(self, prefix: str) -> None:
        listed = sorted((one.key, one.bytes) for one in self.store.list(f"{self.prefix}/{prefix}"))
        wanted = {self._in_store(key): data for key, data in self.objects.items() if key.startswith(prefix)}
        assert listed == sorted((key, len(data)) for key, data in wanted.items())

    def teardown(self) -> None:
        self.faults.clear()
        for listed in self.store.list(f"{self.prefix}/"):
            self.store.delete(listed.key)

    def _put(self, key: str, data: bytes, faults: Sequence[Fault], expected: bool, put: Callable[[], bool]) -> None:
        self.faults[:] = faults
        before = self.objects.get(key)
        try:
            written = put()
        except StoreAway:  # nobody knows: it is there, or what was there before
            assert faults
            self._look(key, before, data if expected else before)
            return
        assert written == expected
        self._look(key, data if expected else before)

    def _look(self, key: str, *wanted: bytes | None) -> None:
        """Read what is there, which is one of `wanted`."""
        self.faults.clear()
        if isinstance(self.store, FaultyStore):
            self.store.deliver()
        try:
            stored = self.store.get(self._in_store(key))
        except ObjectNotFound:
            assert None in wanted
            self._set(key, None)
            return
        assert stored.data in wanted
        self._set(key, stored.data, stored.tag)

    def _set(self, key: str, data: bytes | None, tag: str = "") -> None:
        if key in self.tags and self.tags[key] != tag:
            self.before[key] = self.tags[key]
        if data is None:
            self.objects.pop(key, None)
            self.tags.pop(key, None)
        else:
            self.objects[key], self.tags[key] = data, tag

    def _in_store(self, key: str) -> str:
        return f"{self.prefix}/{key}"
