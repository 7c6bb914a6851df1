"""The shelf of a deployment whose machines share a store: the store has it, and each machine a copy.

A change reads the document, brings the copy to it, and computes on the copy, all behind the lock of the copy; it is
made by a swap of the document, or computed again where another machine was faster. So what is refused among processes
is refused among machines. Everybody reads the copy alone. Weights come to it when they are first read.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from core.card import CARD, DISCRIMINATOR, GENERATOR, Card, read_card, verify_checkpoint
from core.errors import (
    CheckpointError,
    DigitforgeError,
    DocumentDamaged,
    ModelNotFound,
    ObjectNotFound,
    ShelfBusy,
    StoreAway,
    StoreError,
)
from core.files import new_folder
from models.finished_models import MODEL_ID, TRIES, Read
from models.notes import NO_NOTES
from models.shelf import PRETRAINED, Change, Result, Shelf
from objects.store import ObjectStore
from objects.trees import put_tree, remove_owner
from sharing.grace import PublishedTooLate, PublishWindow
from sharing.shelf_copy import ShelfCopy
from sharing.shelf_document import MODELS, KeptCard, ModelEntry, ShelfContent, shelf_document

FILES = (CARD, GENERATOR, DISCRIMINATOR)
DAY_S = 86_400.0

logger = logging.getLogger(__name__)


class _Outdated(Exception):
    """What was put into the store is not what the shelf wants any more."""


class SharedShelf(Shelf):
    """A shelf whose copy is under `root`. Each method that changes it raises StoreAway too, with nothing changed."""

    def __init__(self, root: Path, store: ObjectStore, embedded: Path = PRETRAINED, grace_s: float = DAY_S) -> None:
        """`grace_s` is `settings.store_grace_s`."""
        super().__init__(root, embedded)
        self._store, self._document, self._grace_s = store, shelf_document(store), grace_s
        self._copy = ShelfCopy(root, store, self._notes)
        self._tag: str | None = None  # of the document that the copy was brought to, or to a later one

    def catch_up(self) -> None:
        """Bring the copy to what the store says now. Raises StoreAway, with the copy sound and as it was or newer."""
        if self._copy.was_removed():
            self._tag = None
        read = self._document.read_unless(self._tag)
        if read is None:
            return
        content, _, tag = read
        self._copy.fetch_cards(content)
        self._fetch_active(content)
        self._bring_to_newest()
        self._tag = tag

    def look(self) -> None:
        """Bring the copy to what the store says, also where nothing has changed: it may have lost something.

        What goes wrong is logged: whoever looks for a model does without it then.
        """
        self._tag = None
        try:
            self.catch_up()
        except (StoreError, ShelfBusy, OSError) as error:
            logger.warning("looked for a model in vain: %s", error)

    def card(self, model_id: str) -> Card:
        """A model's card. Raises ModelNotFound, or CheckpointError when the card is damaged."""
        return super().reading(model_id, read_card)

    def reading(self, model_id: str, read: Callable[[Path], Read]) -> Read:
        """What `read` makes of a model's folder, after fetching what is missing or altered there."""
        with suppress(OSError):
            os.utime(self._root / model_id / GENERATOR)  # by which `sharing/eviction.py` goes
        try:
            return super().reading(model_id, read)
        except CheckpointError:
            if model_id == self._embedded_id:
                raise
            self._fetch(model_id)  # or another process has done it meanwhile
        return super().reading(model_id, read)

    def has_weights(self, model_id: str) -> bool:
        """As that of `Shelf`."""
        return (self.folder(model_id) / GENERATOR).is_file()

    def fetch_weights(self, model_id: str) -> None:
        """As that of `Shelf`."""
        if not self.has_weights(model_id):
            self._fetch(model_id)

    def activate(self, model_id: str, changes: int | None = None, *, overall: bool = True) -> Card:
        """As that of `Shelf`."""
        with suppress(ModelNotFound, CheckpointError):  # which others find out too, with the copy brought to the store
            self.reading(model_id, verify_checkpoint)  # so that nobody waits for the weights behind the lock
        return super().activate(model_id, changes, overall=overall)

    def add(self, checkpoint: Path) -> Card:
        """As that of `Shelf`. Its files go to the store first, then it is on the shelf, then in the copy."""
        card = verify_checkpoint(checkpoint)
        if card.model_id == self._embedded_id:
            return self.card(card.model_id)
        for _ in range(TRIES):
            if self._arrives_again(card.model_id):
                break
            with suppress(_Outdated, PublishedTooLate):
                card = self._offer(checkpoint, card)
                break
        self._bring_to_newest()
        with suppress(ModelNotFound):  # deleted elsewhere in this very moment
            return self.card(card.model_id)
        return card

    def _offer(self, checkpoint: Path, card: Card) -> Card:
        """Put a model's files into the store, and it on the shelf.

        Raises _Outdated where it came there meanwhile, and PublishedTooLate.
        """
        model_id, owner, window = card.model_id, _new_owner(card.model_id), PublishWindow(self._grace_s)
        kept = self._document.read()[0].deleted.get(model_id)
        if kept is not None:
            self._copy.fetch_cards(ShelfContent(deleted={model_id: kept}))
        with suppress(FileExistsError), new_folder(self._root / model_id, "shelf") as temporary:
            card = self._copy_checkpoint(checkpoint, card, temporary)
            files = put_tree(self._store, owner, temporary, FILES)

            def entered(content: ShelfContent, version: int) -> ShelfContent:
                self._copy.require_same_store(version)
                if model_id in content.models or content.deleted.get(model_id) != kept:
                    raise _Outdated
                window.require_open()
                entry = ModelEntry(
                    owner=owner,
                    files=files,
                    created_at=card.created_at,
                    dataset=card.recipe.dataset,
                    arrived_at=time.time(),
                )
                return content.model_copy(update={"models": {**content.models, model_id: entry}})

            try:
                self._document.change(entered)
            except (_Outdated, PublishedTooLate):
                self._remove({owner})
                raise
        return card

    def _arrives_again(self, model_id: str) -> bool:
        """Whether the model stands on the shelf already; then it has just arrived."""

        def arrived(content: ShelfContent, version: int) -> ShelfContent | None:
            self._copy.require_same_store(version)
            if model_id not in content.models:
                return None
            entry = content.models[model_id].model_copy(update={"arrived_at": time.time()})
            return content.model_copy(update={"models": {**content.models, model_id: entry}})

        return model_id in self._document.change(arrived)[0].models

    def _change(self, compute: Callable[[], tuple[Result, Change]], changes: int | None = None) -> Result:
        before, results = ShelfContent(), list[Result]()
        nonce, window, offered = secrets.token_hex(8), PublishWindow(self._grace_s), set[str]()

        def changed(content: ShelfContent, version: int) -> ShelfContent:
            nonlocal before
            self._copy.require_same_store(version)
            self._copy.bring_to(content, had)
            self._require(changes)
            before = content
            result, change = compute()
            results[:] = [result]
            window.require_open()
            now = self._changed(content, change, nonce)
            offered.update(now.owners() - content.owners())
            return now

        try:
            with self._locked():
                had = self._copy.models()
                now, _ = self._document.change(changed)
                with suppress(StoreAway):  # it is changed; the copy follows later
                    self._copy.bring_to(now, had | before.models.keys())
        except StoreError:  # which may have it, for all that is known
            raise
        except DigitforgeError:
            self._remove(offered)
            raise
        self._remove((offered | before.owners()) - now.owners())
        return results[0]

    def _changed(self, content: ShelfContent, change: Change, nonce: str) -> ShelfContent:
        """What becomes of the document by a change."""
        update: dict[str, object] = {}
        if change.pointers is not None:
            pointers = change.pointers
            update |= {"overall": pointers.overall, "changes": pointers.changes, "datasets": pointers.datasets}
        notes = {name: one for name, one in {**content.notes, **change.notes}.items() if one != NO_NOTES}
        if (gone := change.deleted) is not None:
            notes.pop(gone, None)
            update["models"] = {name: entry for name, entry in content.models.items() if name != gone}
            if kept := self._kept(gone, content, nonce):
                update["deleted"] = {**content.deleted, gone: kept}
        return content.model_copy(update={**update, "notes": notes})

    def _kept(self, model_id: str, content: ShelfContent, nonce: str) -> KeptCard | None:
        """The card of a model that is deleted, in the store under an owner of its own; None of a damaged one."""
        if model_id in content.deleted:
            return content.deleted[model_id].model_copy(update={"deleted_at": time.time()})
        card, owner = content.models[model_id].files.files[CARD], f"{MODELS}/{model_id}.{nonce}"
        try:
            data = b"".join(self._store.get(chunk).data for chunk in card.chunks)
        except ObjectNotFound:
            return None
        digest = sha256(data).hexdigest()
        if digest != card.sha256:
            return None
        chunk = f"{owner}/{digest}"
        self._store.put_once(chunk, data)
        return KeptCard(owner=owner, card=card.model_copy(update={"chunks": (chunk,)}), deleted_at=time.time())

    def _bring_to_newest(self) -> None:
        with self._locked():
            had = self._copy.models()
            content, version = self._document.read()
            self._copy.require_same_store(version)
            self._copy.bring_to(content, had)

    def _fetch_active(self, content: ShelfContent) -> None:
        """Have the generators of the active models, so that nobody waits for them once they are."""
        for active in {content.overall, *content.datasets.values()}:
            if active.model and (entry := content.models.get(active.model)):
                try:
                    self._copy.fetch(active.model, entry, [GENERATOR])
                except (ObjectNotFound, DocumentDamaged, FileNotFoundError) as error:
                    logger.error("the active model %s: its weights cannot be fetched: %s", active.model, error)

    def _fetch(self, model_id: str) -> None:
        """Fetch what is missing or altered of a model. Raises ModelNotFound, CheckpointError, StoreAway."""
        content, version = self._document.read()
        self._copy.require_same_store(version)
        entry = content.models.get(model_id)
        if entry is None:
            raise self._not_found(model_id)
        try:
            self._copy.fetch(model_id, entry, FILES)
        except FileNotFoundError as error:
            raise self._not_found(model_id) from error
        except (ObjectNotFound, DocumentDamaged) as error:
            if self._document.read()[0].models.get(model_id) != entry:
                raise self._not_found(model_id) from error
            raise CheckpointError(f"model {model_id}: its files in the store are damaged: {error}") from error

    def _remove(self, owners: set[str]) -> None:
        """Remove what nobody names any more; else garbage collection does it."""
        for owner in owners:
            with suppress(StoreError):
                remove_owner(self._store, owner)


def _new_owner(model_id: str) -> str:
    assert MODEL_ID.fullmatch(model_id)
    return f"{MODELS}/{model_id}.{secrets.token_hex(8)}"
