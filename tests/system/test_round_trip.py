"""A data set that is downloaded and imported again is the same one, whatever its shape, classes and split."""

import io
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.imported import colourful
from tests.service import follow

NAMES = ["Hemd", "schöne Schuhe", "7"]


def packed(images: np.ndarray, names: list[str]) -> bytes:
    """A zip of PNGs, with a folder for each class if there are names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k, pixels in enumerate(images):
            png = io.BytesIO()
            Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(png, "PNG")
            archive.writestr(f"own/{names[k % len(names)]}/{k}.png" if names else f"{k}.png", png.getvalue())
    return buffer.getvalue()


def imported(http: httpx.Client, content: bytes, query: str) -> dict[str, Any]:
    """The job of an import that has succeeded."""
    answer = http.post(f"/datasets?{query}", content=content)
    assert answer.status_code == 202, answer.text
    return follow(http, answer.json()["id"], "succeeded")


@pytest.mark.parametrize(
    ("images", "names", "query"),
    [
        (colourful(60, 32, 3, seed=60), NAMES, "name=round-trip"),
        (colourful(600, 16, 1, seed=61), [], "name=round-trip"),
        (colourful(600, 16, 1, seed=62), ["a", "b"], "name=round-trip&split=none"),
    ],
)
def test_a_download_gives_the_same_id_when_it_is_imported_again(
    http: httpx.Client, images: np.ndarray, names: list[str], query: str
) -> None:
    first = imported(http, packed(images, names), query)
    card = http.get(first["links"]["dataset"]).json()["card"]
    assert sorted(one["name"] for one in card["classes"] or []) == sorted(names)
    again = imported(http, http.get(f"/datasets/{first['dataset']}/download").content, "name=round-trip")
    assert again["dataset"] == first["dataset"]
