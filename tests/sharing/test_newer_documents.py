"""What a newer version keeps in the documents of the store stays there when this one changes them."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from objects.document import Document
from objects.files import FileStore
from sharing.datasets_document import DatasetsContent
from sharing.shelf_document import ShelfContent

FILES: dict[str, Any] = {"files": {}}
FOLDER = {"owner": "datasets/a.1", "files": FILES}
MODEL = {"owner": "models/a.1", "files": FILES, "created_at": "2026-01-01T00:00:00Z", "dataset": "mnist"}
ENTRIES: dict[type[BaseModel], tuple[str, dict[str, Any]]] = {
    ShelfContent: ("models", {**MODEL, "arrived_at": 1.0}),
    DatasetsContent: ("sets", {"name": "own", "imported_at": 1.0, "said": FOLDER, "arrays": FOLDER}),
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_fields_of_a_newer_version_survive_a_change(tmp_path: Path, kind: type[BaseModel]) -> None:
    store = FileStore(tmp_path)
    place, entry = ENTRIES[kind]
    content = {"newer": [1], place: {"a": {**entry, "newer": {"x": "y"}}, "b": entry}}
    store.put_once("document.json", json.dumps({"version": 1, "recent": [], "content": content}).encode())

    def without_b(before: Any, _: int) -> Any:
        return before.model_copy(update={place: {"a": getattr(before, place)["a"]}})

    Document(store, "document.json", kind).change(without_b)
    after = json.loads(store.get("document.json").data)["content"]
    assert (after["newer"], after[place]["a"]["newer"], set(after[place])) == ([1], {"x": "y"}, {"a"})
