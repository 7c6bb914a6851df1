"""Images over HTTP."""

from pathlib import Path

import httpx
import numpy as np
import pytest
import torch

from models.judge import FOLDER, Judge, load_judge
from models.shelf import Shelf
from tests.app.images.reading import pixels
from tests.tiny import save_tiny
from worker.training.data import EMBEDDED
from worker.training.reference import read


def test_sixteen_digits_are_a_grey_grid_of_four_by_four(http: httpx.Client) -> None:
    grid = pixels(http.get("/generate?n=16"))
    assert grid.shape == (4 * 28 + 3 * 2, 4 * 28 + 3 * 2)
    assert grid.std() > 30  # something is drawn


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        ("n=1", (28, 28)),
        ("n=5", (58, 88)),
        ("n=5&cols=5&pad=0", (28, 140)),
        ("n=2&cols=1&pad=4", (60, 28)),
        ("n=1&scale=3", (84, 84)),
        ("n=256&pad=0", (448, 448)),
    ],
)
def test_the_layout_follows_the_query(http: httpx.Client, query: str, shape: tuple[int, int]) -> None:
    assert pixels(http.get(f"/generate?{query}")).shape == shape


def test_the_same_url_is_the_same_picture(http: httpx.Client) -> None:
    first = http.get("/generate?n=16&seed=7")
    assert first.content == http.get("/generate?n=16&seed=7").content
    assert first.content != http.get("/generate?n=16&seed=8").content


def test_one_image_is_its_tile_of_the_grid(http: httpx.Client) -> None:
    grid = pixels(http.get("/generate?n=16&seed=7&pad=0"))
    for k in (0, 5, 15):
        row, column = divmod(k, 4)
        alone = pixels(http.get(f"/generate?n=1&seed=7&start={k}"))
        assert np.array_equal(alone, grid[row * 28 : row * 28 + 28, column * 28 : column * 28 + 28])


def test_without_a_seed_the_answer_says_how_to_draw_it_again(http: httpx.Client) -> None:
    first, second = http.get("/generate?n=4"), http.get("/generate?n=4")
    assert first.headers["x-seed"] != second.headers["x-seed"]
    assert first.headers["cache-control"] == "no-store"
    again = http.get(first.headers["content-location"])
    assert again.content == first.content
    assert again.headers["x-model-id"] == first.headers["x-model-id"]
    assert "immutable" in again.headers["cache-control"]


def test_a_client_that_has_the_picture_gets_304(http: httpx.Client) -> None:
    first = http.get("/generate?seed=3")
    assert first.headers["cache-control"] == "no-cache"
    again = http.get("/generate?seed=3", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for known in (f'"x", W/{first.headers["etag"]}', "*"):
        assert http.get("/generate?seed=3", headers={"if-none-match": known}).status_code == 304
    assert http.get("/generate?seed=4", headers={"if-none-match": first.headers["etag"]}).status_code == 200
    assert http.get("/generate", headers={"if-none-match": "*"}).status_code == 200


def test_head_answers_as_get_does_without_the_picture(http: httpx.Client) -> None:
    seen, head = http.get("/generate?seed=3"), http.head("/generate?seed=3")
    assert (head.status_code, head.content) == (200, b"")
    measured = {"date": "", "server-timing": "", "x-request-id": ""}
    assert {**head.headers, **measured} == {**seen.headers, **measured}
    assert http.head("/generate?seed=3", headers={"if-none-match": seen.headers["etag"]}).status_code == 304
    assert http.head("/generate?n=0").status_code == 422


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge(EMBEDDED / "mnist" / FOLDER)


def read_tiles(judge: Judge, response: httpx.Response) -> list[int]:
    """The digits that the judge reads in a grid without padding, of 8 columns."""
    grid = pixels(response)
    tiles = grid.reshape(-1, 28, 8, 28).swapaxes(1, 2).reshape(-1, 28, 28)
    return read(judge, torch.from_numpy(tiles.copy()))[1].argmax(1).tolist()


@pytest.mark.parametrize("digit", ["7", "0123456789", "09"])
def test_the_wanted_digits_are_drawn(http: httpx.Client, judge: Judge, digit: str) -> None:
    drawn = http.get(f"/generate?n=64&seed=1&digit={digit}&pad=0")
    assert drawn.headers["x-digit-by"] == "class"
    expected = [int(digit[k % len(digit)]) for k in range(64)]
    assert sum(found == wanted for found, wanted in zip(read_tiles(judge, drawn), expected, strict=True)) >= 61
    assert http.get(drawn.headers["content-location"]).content == drawn.content
    alone = http.get(f"/generate?n=1&start=13&seed=1&digit={digit}")
    row, column = divmod(13, 8)
    assert np.array_equal(pixels(alone), pixels(drawn)[row * 28 : row * 28 + 28, column * 28 : column * 28 + 28])
    assert alone.headers["etag"] != http.get("/generate?n=1&start=13&seed=1").headers["etag"]


def test_for_a_model_without_classes_the_judge_picks(http: httpx.Client, shelf: Shelf, tmp_path: Path) -> None:
    save_tiny(tmp_path / "unlabelled", dataset="mnist")
    model = shelf.add(tmp_path / "unlabelled").model_id
    drawn = http.get(f"/generate?n=8&cols=8&seed=1&digit=7&model={model}&pad=0")
    assert drawn.headers["x-digit-by"] == "judge"
    assert http.get(drawn.headers["content-location"]).content == drawn.content
    alone = pixels(http.get(f"/generate?n=1&start=5&seed=1&digit=7&model={model}"))
    assert np.array_equal(alone, pixels(drawn)[:, 5 * 28 : 6 * 28])


@pytest.mark.parametrize("digit", ["", "x", "7x", "-1", "1.5", "7" * 257])
def test_what_is_no_digit_is_refused(http: httpx.Client, digit: str) -> None:
    response = http.get("/generate", params={"digit": digit})
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["parameter"] == "digit"
    assert digit.startswith(error["value"].removesuffix("..."))


def test_a_digit_that_the_model_does_not_know_is_refused(http: httpx.Client, shelf: Shelf, tmp_path: Path) -> None:
    save_tiny(tmp_path / "few", classes=4)
    save_tiny(tmp_path / "unread", seed=1)
    few, unread = (shelf.add(tmp_path / name).model_id for name in ("few", "unread"))
    assert http.get(f"/generate?model={few}&digit=3").status_code == 200
    for model, digit, words in ((few, "34", "cannot draw 4; allowed: 0 to 3"), (unread, "1", "allowed: none")):
        response = http.get(f"/generate?model={model}&digit={digit}")
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert (error["parameter"], error["value"]) == ("digit", digit)
        assert words in error["detail"]


def test_the_shelf_lists_the_embedded_model_with_its_card(http: httpx.Client) -> None:
    shelf = http.get("/models").json()
    (active,) = [model for model in shelf["data"] if model["active"]]
    assert active["id"] == shelf["active"]
    one = http.get(f"/models/{active['id']}").json()
    assert one == active
    assert one["card"]["sha256"]["generator.safetensors"].startswith(active["id"])
    assert one["card"]["command"]


def test_probes_answer(http: httpx.Client) -> None:
    assert http.get("/healthz").json()["status"] == "ok"
    ready = http.get("/readyz").json()
    assert (ready["ready"], ready["redis"]) == (True, True)


def test_the_documentation_needs_no_other_host(http: httpx.Client) -> None:
    page = http.get("/docs").text
    assert "swagger-ui" in page
    assert "https://" not in page
    assert "http://" not in page
    assert http.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
