"""The images of a data set as PNGs, and the data set as a file."""

import ast
import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from app.http.services import Services
from core.dataset_arrays import dataset_digest
from core.dataset_card import IMAGES, LABELS, DatasetCard
from tests.app.datasets.making import shelve
from tests.app.http.test_errors import problem
from tests.imported import colourful

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["shirt", "schöne Schuhe", "1"]
COLOUR = colourful(24, seed=30)
GREY = colourful(7, side=28, channels=1, seed=31)


@pytest.fixture(scope="module")
def colour(services: Services) -> DatasetCard:
    return shelve(services, COLOUR, [k % 3 for k in range(24)], NAMES, train=20, name="colour")


@pytest.fixture(scope="module")
def grey(services: Services) -> DatasetCard:
    return shelve(services, GREY, name="grey")


def pixels(response: httpx.Response) -> np.ndarray:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(response.content)))


def tiles(picture: np.ndarray, columns: int) -> list[np.ndarray]:
    """The first row of a picture of 32 by 32 pixels each, cut at the gaps."""
    return [picture[:32, 34 * k : 34 * k + 32] for k in range(columns)]


def test_each_image_is_served_pixel_for_pixel(http: httpx.Client, colour: DatasetCard, grey: DatasetCard) -> None:
    for k in (0, 19, 23):
        assert np.array_equal(pixels(http.get(f"/datasets/colour/images/{k}.png")), COLOUR[k])
    assert np.array_equal(pixels(http.get("/datasets/grey/images/6.png")), GREY[6, :, :, 0])
    missing = problem(http.get("/datasets/grey/images/7.png"), 404, "not-found")
    assert missing["detail"].endswith("has no image 7; allowed: 0 to 6")
    for wrong in ("-1", "x", "1.5"):
        (error,) = problem(http.get(f"/datasets/grey/images/{wrong}.png"), 422, "invalid-parameter")["errors"]
        assert (error["parameter"], error["value"]) == ("k", wrong)


def test_a_preview_shows_the_first_training_images(http: httpx.Client, colour: DatasetCard) -> None:
    picture = pixels(http.get("/datasets/colour/preview.png?n=9"))
    assert picture.shape == (3 * 34 - 2, 3 * 34 - 2, 3)
    assert all(np.array_equal(*pair) for pair in zip(tiles(picture, 3), COLOUR, strict=False))
    assert pixels(http.get("/datasets/colour/preview.png")).shape == (4 * 34 - 2, 5 * 34 - 2, 3)  # all 20 of them


@pytest.mark.parametrize(("wanted", "number"), [("shirt", 0), ("SCHÖNE schuhe", 1), ("1", 2), ("2", 2), ("0", 0)])
def test_a_preview_of_a_class_by_name_or_else_by_number(
    http: httpx.Client, colour: DatasetCard, wanted: str, number: int
) -> None:
    picture = pixels(http.get("/datasets/colour/preview.png", params={"class": wanted, "n": 2}))
    assert all(np.array_equal(*pair) for pair in zip(tiles(picture, 2), COLOUR[number::3], strict=False))


@pytest.mark.parametrize("wanted", ["boot", "3", "-1", "١", ""])
def test_an_unknown_class_is_answered_with_those_there_are(
    http: httpx.Client, colour: DatasetCard, grey: DatasetCard, wanted: str
) -> None:
    for name, allowed in (("colour", "allowed: 0 to 2, or shirt, schöne Schuhe, 1"), ("grey", "has no classes")):
        refused = http.get(f"/datasets/{name}/preview.png", params={"class": wanted})
        (error,) = problem(refused, 422, "invalid-parameter")["errors"]
        assert (error["parameter"], error["value"]) == ("class", wanted)
        assert allowed in error["detail"]


def test_a_seed_takes_others_and_the_same_ones_each_time(http: httpx.Client, colour: DatasetCard) -> None:
    first, again, other = (http.get(f"/datasets/colour/preview.png?n=4&seed={seed}").content for seed in (1, 1, 2))
    assert first == again != other
    assert first != http.get("/datasets/colour/preview.png?n=4").content


@pytest.mark.parametrize("kind", ["translate", "cutout", "diffaugment"])
def test_a_preview_shows_what_an_augmentation_makes_of_the_images(
    http: httpx.Client, colour: DatasetCard, grey: DatasetCard, kind: str
) -> None:
    for name in ("colour", "grey"):
        url = f"/datasets/{name}/preview.png?n=4"
        plain, shown, again, other = (
            pixels(http.get(f"{url}&augment={one}")) for one in ("none", kind, kind, f"{kind}&seed=1")
        )
        assert plain.shape == shown.shape
        assert np.array_equal(shown, again)
        assert not np.array_equal(shown, plain)
        assert not np.array_equal(shown, other)


@pytest.mark.parametrize("name", ["colour", "grey"])
def test_a_download_holds_all_that_the_id_is_made_of(
    http: httpx.Client, colour: DatasetCard, grey: DatasetCard, name: str
) -> None:
    card = {"colour": colour, "grey": grey}[name]
    answer = http.get(f"/datasets/{name}/download").raise_for_status()
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}-{card.dataset_id}.npz"'
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as found:
        arrays = dict(found)
    images = np.concatenate([arrays["train_images"], arrays["test_images"]])
    labels, names = None, []
    if card.classes is not None:
        labels, names = np.concatenate([arrays["train_labels"], arrays["test_labels"]]), arrays["class_names"].tolist()
    images = images.reshape(-1, *card.image_shape.array)
    assert dataset_digest(card.image_shape, len(arrays["train_images"]), names, images, labels) == card.sha256
    assert answer.content == http.get(f"/datasets/{name}/download").content


def test_nothing_is_left_of_the_images_of_a_deleted_one(http: httpx.Client, services: Services) -> None:
    card = shelve(services, colourful(4, seed=32), [0, 0, 1, 1], ["a", "b"], name="gone")
    with services.datasets.changing():
        services.datasets.delete(card.dataset_id)
    assert http.get(f"/datasets/{card.dataset_id}").json()["state"] == "deleted"
    for path in ("preview.png", "images/0.png", "download"):
        problem(http.get(f"/datasets/{card.dataset_id}/{path}"), 410, "dataset-deleted")
    assert not {IMAGES, LABELS} & {path.name for path in services.datasets.folder(card.dataset_id).iterdir()}
    states = [one["state"] for one in http.get("/datasets?state=deleted").json()["data"]]
    assert set(states) == {"deleted"}


def test_damaged_arrays_are_not_taken_for_deleted_ones(http: httpx.Client, services: Services) -> None:
    card = shelve(services, colourful(4, seed=33), name="short")
    (services.datasets.folder(card.dataset_id) / IMAGES).write_bytes(b"\x93NUMPY")
    problem(http.get("/datasets/short/preview.png"), 503, "dataset-damaged")


def test_the_api_decodes_no_image() -> None:
    """`models/grid.py` encodes; opening files is for the importer, which is locked in."""
    for path in [*(ROOT / "app" / "datasets").glob("*.py"), *(ROOT / "app" / "uploads").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = getattr(node, "module", None) or ""
                imported = {alias.name for alias in node.names} | {module}
                assert not any(name.split(".")[0] == "PIL" for name in imported), path
