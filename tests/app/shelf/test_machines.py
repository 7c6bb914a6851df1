"""The APIs of two machines that share a store: what one adds, the other draws."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from shutil import move

import httpx
import pytest

from cli.redis_server import RedisServer
from core.settings import Settings
from tests.app.http.test_errors import problem
from tests.in_process import Api, served
from tests.service import wait_until
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machines") / "store"


@pytest.fixture(scope="module")
def machines(redis_server: RedisServer, store: Path) -> Iterator[tuple[Api, Api]]:
    with ExitStack() as stack:
        yield tuple(  # type: ignore[misc]
            stack.enter_context(
                served(
                    Settings(
                        redis_url=redis_server.url, data_dir=store.parent / name, store_url=store.absolute().as_uri()
                    )
                )
            )
            for name in ("here", "there")
        )


@pytest.fixture
def here(machines: tuple[Api, Api]) -> Api:
    return machines[0]


@pytest.fixture
def there(machines: tuple[Api, Api]) -> Api:
    """Its follower goes on only where a test lets it; it looks for what is missed."""
    api = machines[1]
    wait_until(lambda: api.services.store_is_up)
    return api


def add(api: Api, folder: Path, seed: int) -> str:
    save_tiny(folder / str(seed), seed=seed, classes=10)
    return api.services.shelf.add(folder / str(seed)).model_id


@pytest.mark.parametrize(
    ("seed", "method", "path", "body"),
    [
        (1, "GET", "/models/{model}", None),
        (2, "GET", "/generate?model={model}&seed=1&format=png", None),
        (3, "GET", "/v1/models/{model}", None),
        (4, "POST", "/v1/images/generations", {"prompt": "a 3", "model": "{model}"}),
        (5, "PATCH", "/models/{model}", {"note": "sharp"}),
        (6, "PUT", "/models/active", {"model": "{model}"}),
        (7, "DELETE", "/models/{model}", None),
    ],
)
def test_what_another_machine_has_just_added_is_here_at_once(
    here: Api, there: Api, tmp_path: Path, seed: int, method: str, path: str, body: dict[str, str] | None
) -> None:
    assert there.services.places.follower
    there.services.places.follower.stop()
    model = add(here, tmp_path, seed)
    json = body and {key: value.format(model=model) for key, value in body.items()}
    headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
    answer = there.http.request(method, path.format(model=model), json=json, headers=headers)
    assert answer.status_code in (200, 204), answer.text


def test_the_active_model_moves_everywhere_and_its_pictures_are_the_same(here: Api, there: Api, tmp_path: Path) -> None:
    model = add(there, tmp_path, 11)
    there.http.put("/models/active", json={"model": model}).raise_for_status()
    wait_until(lambda: here.http.get("/generate").headers["x-model-id"] == model)
    pictures = [api.http.get(f"/generate?seed=7&model={model}&format=png") for api in (here, there)]
    assert pictures[0].content == pictures[1].content
    assert pictures[0].headers["etag"] == pictures[1].headers["etag"]
    assert here.http.get("/readyz").status_code == there.http.get("/readyz").status_code == 200


def changed(http: httpx.Client, model: str) -> list[httpx.Response]:
    patch = {"Content-Type": "application/merge-patch+json"}
    return [
        http.put("/models/active", json={"model": model}),
        http.put("/models/active", json={"model": "previous"}),
        http.patch(f"/models/{model}", json={"note": "gone"}, headers=patch),
        http.delete(f"/models/{model}"),
    ]


def test_without_the_store_nothing_is_changed_and_all_is_drawn(
    here: Api, there: Api, store: Path, tmp_path: Path
) -> None:
    model = add(there, tmp_path, 21)
    there.http.put("/models/active", json={"model": add(there, tmp_path, 22)}).raise_for_status()  # so one was before
    there.http.get(f"/generate?model={model}").raise_for_status()
    before = there.http.get("/models").json()
    move(store, tmp_path / "aside")
    store.write_text("no folder")
    try:
        for answer in changed(there.http, model):
            problem(answer, 503, "store-away")
            assert answer.headers["retry-after"]
        problem(there.http.get("/models/0123456789abcdef"), 404, "model-not-found")
        assert there.http.get("/models").json() == before
        there.http.get(f"/generate?model={model}&seed=3").raise_for_status()
    finally:
        store.unlink()
        move(tmp_path / "aside", store)
    wait_until(lambda: there.services.store_is_up)
    assert [answer.status_code for answer in changed(there.http, model)] == [200, 200, 200, 409]


def test_unknown_ids_share_a_look_and_each_look_begins_after_it_was_asked_for(
    here: Api, there: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look = list[str](), there.services.shelf.look

    def count() -> None:
        looks.append("look")
        look()

    monkeypatch.setattr(there.services.looker._shelf, "look", count)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda k: there.http.get(f"/models/{k:016x}"), range(20)))
        assert {answer.status_code for answer in answers} == {404}
        assert len(looks) <= 3
    model = add(here, tmp_path, 31)  # in the second after a look
    assert there.http.get(f"/models/{model}").status_code == 200
    assert there.http.get(f"/v1/models/{model}").status_code == 200
