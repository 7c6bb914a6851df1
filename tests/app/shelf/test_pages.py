"""GET /models in pages."""

from datetime import UTC, datetime
from pathlib import Path

import httpx

from models.shelf import Shelf
from tests.tiny import save_tiny


def test_the_pages_hold_every_model_once(http: httpx.Client, shelf: Shelf, tmp_path: Path) -> None:
    for seed in range(40, 45):
        save_tiny(tmp_path / str(seed), seed, datetime(2026, 3, seed - 20, tzinfo=UTC))
        shelf.add(tmp_path / str(seed))
    found: list[str] = []
    url: str | None = "/models?limit=2"
    while url:
        page = http.get(url).raise_for_status().json()
        assert len(page["data"]) == 2 or not page["has_more"]
        assert page["active"] == shelf.active()
        found += [model["id"] for model in page["data"]]
        url = page["next"]
    assert found == [card.model_id for card in shelf.cards()]


def test_a_page_behind_nobody_and_a_page_of_nothing_are_refused(http: httpx.Client) -> None:
    missing = http.get("/models?after=f00")
    assert (missing.status_code, missing.json()["type"]) == (404, "model-not-found")
    for limit in ("0", "101", "x"):
        (error,) = http.get(f"/models?limit={limit}").json()["errors"]
        assert (error["parameter"], error["value"]) == ("limit", limit)
