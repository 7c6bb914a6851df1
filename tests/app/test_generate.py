"""Images over HTTP."""

from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image


def pixels(response: httpx.Response) -> np.ndarray:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    image = Image.open(BytesIO(response.content))
    assert image.mode == "L"
    return np.asarray(image)


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
    assert http.get("/generate?seed=4", headers={"if-none-match": first.headers["etag"]}).status_code == 200


def test_the_shelf_lists_the_embedded_model_with_its_card(http: httpx.Client) -> None:
    shelf = http.get("/models").json()
    (active,) = [model for model in shelf["data"] if model["active"]]
    assert active["id"] == shelf["active"]
    one = http.get(f"/models/{active['id']}").json()
    assert one == active
    assert one["card"]["sha256"]["generator.safetensors"].startswith(active["id"])
    assert one["card"]["command"]


def test_probes_answer(http: httpx.Client) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    ready = http.get("/readyz").json()
    assert (ready["ready"], ready["redis"]) == (True, True)


def test_the_documentation_needs_no_other_host(http: httpx.Client) -> None:
    page = http.get("/", follow_redirects=True).text
    assert "swagger-ui" in page
    assert "https://" not in page
    assert "http://" not in page
    assert http.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
