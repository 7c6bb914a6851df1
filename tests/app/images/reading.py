"""Pictures as the tests read them."""

from io import BytesIO

import httpx
import numpy as np
from PIL import Image


def drawn(http: httpx.Client, url: str) -> httpx.Response:
    """An answer with a picture."""
    response = http.get(url)
    assert response.status_code == 200, response.text
    return response


def grey(data: bytes) -> np.ndarray:
    """The pixels of a file, uint8 [h, w]."""
    return np.asarray(Image.open(BytesIO(data)).convert("L"))


def pixels(response: httpx.Response) -> np.ndarray:
    """The pixels of an answer that is a grey PNG, uint8 [h, w]."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    image = Image.open(BytesIO(response.content))
    assert image.mode == "L"
    return np.asarray(image)
