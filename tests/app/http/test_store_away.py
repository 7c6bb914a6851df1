"""The object store goes while the API runs: pictures are drawn, changes are refused with 503, and then all is back."""

from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from core.errors import DocumentDamaged, ObjectNotFound, StoreBusy, StoreRefused
from tests.app.http.test_errors import problem
from tests.app.metrics.reading import one, scrape
from tests.in_process import served
from tests.object_servers import LentStore

MERGE_PATCH = {"content-type": "application/merge-patch+json"}


def test_drawing_goes_on_without_the_store(
    services: Services, s3_server: LentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    settings = services.settings.model_copy(update={"data_dir": tmp_path, "store_url": s3_server.url})
    with served(settings) as api:
        watch, http = api.services.store_watch, api.http
        assert watch is not None
        watch.look()
        assert http.get("/readyz").json()["store"] is True
        assert one(scrape(http), "digitforge_store_up") == 1
        model = http.get("/models").json()["data"][0]["id"]

        def label(text: str) -> httpx.Response:
            return http.patch(f"/models/{model}", json={"labels": {text: ""}}, headers=MERGE_PATCH)

        with s3_server.server.away():
            refused = problem(label("away"), 503, "store-away")
            assert s3_server.url not in refused["detail"]
            assert http.get("/generate?seed=5").status_code == 200
            watch.look()
            assert http.get("/readyz").json() | {"store": False, "ready": True} == http.get("/readyz").json()
            assert one(scrape(http), "digitforge_store_up") == 0
        assert label("back").status_code == 200
        watch.look()
        assert http.get("/readyz").json()["store"] is True


def test_without_a_store_nothing_is_told_of_one(services: Services) -> None:
    with served(services.settings) as api:
        assert api.http.get("/readyz").json()["store"] is None
        assert "digitforge_store_up" not in {name for name, _ in scrape(api.http)}


@pytest.mark.parametrize(
    ("error", "word", "again"),
    [
        (StoreBusy("others are changing it"), "store-away", True),
        (StoreRefused("as the key AK"), "store-away", False),
        (DocumentDamaged("shelf.json: no JSON"), "store-damaged", False),
        (ObjectNotFound("models/one"), "store-damaged", False),
    ],
)
def test_each_error_of_the_store_is_a_problem(
    services: Services, monkeypatch: pytest.MonkeyPatch, error: Exception, word: str, again: bool
) -> None:
    def raises(*_: object) -> None:
        raise error

    with served(services.settings) as api:
        monkeypatch.setattr(type(api.services.shelf), "active", raises)
        answer = api.http.get("/models/active")
    assert "AK" not in problem(answer, 503, word)["detail"]
    assert ("retry-after" in answer.headers) is again
