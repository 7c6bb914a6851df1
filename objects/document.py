"""A small JSON document in an object store that many machines change: each change sees the one before, none is lost."""

import json
import random
import secrets
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from core.errors import DocumentDamaged, ObjectNotFound, StoreBusy
from objects.store import ObjectStore, Stored

BUSY_S = 10.0  # how long others may be faster
RECENT = 64  # writers that are remembered, to know one's own change beneath those of others
LONGEST_PAUSE_S = 0.2

Content = TypeVar("Content", bound=BaseModel)


def fence(store: ObjectStore, key: str) -> Any:
    """Write a document again with its content unchanged, and return that content as JSON values, None of none.

    Every `change` that has read the document before is refused by the store, and computes again. Whatever a newer
    version keeps there stays. Raises StoreAway, StoreBusy and DocumentDamaged.
    """
    deadline = time.monotonic() + BUSY_S
    while time.monotonic() < deadline:
        try:
            stored = store.get(key)
        except ObjectNotFound:
            return None
        try:
            body = json.loads(stored.data)
            recent = [*body["recent"], secrets.token_hex(8)][-RECENT:]
            body |= {"version": body["version"] + 1, "recent": recent}
            content = body["content"]
        except (ValueError, KeyError, TypeError) as error:
            raise DocumentDamaged(f"{key}: {error}") from error
        if store.swap(key, json.dumps(body).encode(), stored.tag):
            return content
        time.sleep(random.uniform(0, LONGEST_PAUSE_S))
    raise StoreBusy(f"others have been changing {key} for {BUSY_S:g} s")


class Document(Generic[Content]):
    """One key of a store. It holds `{"version": int, "recent": [nonce, ...], "content": ...}`.

    Each write has a number one higher and a nonce of its own, so no two have the same bytes and no tag comes again.
    """

    def __init__(self, store: ObjectStore, key: str, kind: type[Content]) -> None:
        """`kind()` is its content before the first write."""
        self._store, self._key, self._kind = store, key, kind

    def read(self) -> tuple[Content, int]:
        """The content now, and its version; 0 before the first write. Raises StoreAway and DocumentDamaged."""
        content, version, _ = self._parse(self._now())
        return content, version

    def read_unless(self, tag: str | None) -> tuple[Content, int, str] | None:
        """The same with its tag, or None where it has this tag still, or was never written."""
        try:
            stored = self._store.get_unless(self._key, tag)
        except ObjectNotFound:
            return None
        if stored is None:
            return None
        content, version, _ = self._parse(stored)
        return content, version, stored.tag

    def change(self, compute: Callable[[Content, int], Content | None]) -> tuple[Content, int]:
        """Replace the content by what `compute` makes of it and its version; None leaves it. What is there then.

        `compute` is called again where somebody else was faster, and has no effect but its result. Raises as it does,
        StoreAway, StoreBusy, and DocumentDamaged.
        """
        nonce = secrets.token_hex(8)
        deadline, pause_s = time.monotonic() + BUSY_S, 0.01
        while True:
            stored = self._now()
            content, version, recent = self._parse(stored)
            if nonce in recent:  # it was written, and others wrote after it before we could see that
                return content, version
            changed = compute(content, version)
            if changed is None or changed == content:
                return content, version
            body = {
                "version": version + 1,
                "recent": [*recent, nonce][-RECENT:],
                "content": changed.model_dump(mode="json"),
            }
            if self._store.swap(self._key, json.dumps(body).encode(), stored.tag if stored else None):
                return changed, version + 1
            if time.monotonic() > deadline:
                raise StoreBusy(f"others have been changing {self._key} for {BUSY_S:g} s")
            time.sleep(random.uniform(0, pause_s))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _now(self) -> Stored | None:
        try:
            return self._store.get(self._key)
        except ObjectNotFound:
            return None

    def _parse(self, stored: Stored | None) -> tuple[Content, int, list[str]]:
        if stored is None:
            return self._kind(), 0, []
        try:
            body = json.loads(stored.data)
            return self._kind.model_validate(body["content"]), int(body["version"]), list(body["recent"])
        except (ValueError, KeyError, TypeError) as error:
            raise DocumentDamaged(f"{self._key}: {error}") from error
