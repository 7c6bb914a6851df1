"""The sample grids of a run as an animation."""

from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image, ImageSequence

from app.http.services import Services
from app.jobs.timelapse import COLUMNS, PAD, spread
from models.grid import tile, to_png
from tests.hand_worker import Attempt, submit
from tests.in_process import Api, served
from worker.training.epoch_end import SAMPLE_COLUMNS, SAMPLE_IMAGES

EPOCHS = 4


def grid(epoch: int, channels: int) -> np.ndarray:
    """A grid [h, w, c] as a trainer of epoch writes it."""
    images = np.random.default_rng(epoch).integers(0, 256, (SAMPLE_IMAGES, 28, 28, channels), dtype=np.uint8)
    return tile(images, SAMPLE_COLUMNS, PAD, scale=1)


def run_with_grids(services: Services, job_id: str, channels: int) -> Attempt:
    attempt = Attempt(services, job_id)
    for epoch in range(EPOCHS):
        if epoch:
            attempt.epoch(epoch)
        attempt.run.sample(epoch).write_bytes(to_png(grid(epoch, channels)))
    return attempt


@pytest.fixture(scope="module")
def grey(api: Api) -> str:
    return run_with_grids(api.services, submit(api.http), channels=1).succeed().id


@pytest.fixture(scope="module")
def coloured(api: Api) -> str:
    return run_with_grids(api.services, submit(api.http), channels=3).succeed().id


def frames(answer: httpx.Response) -> tuple[list[np.ndarray], list[int]]:
    """The frames, uint8 [h, w, 3], and how long each is shown, in ms."""
    assert answer.status_code == 200, answer.text
    images, shown_ms = [], []
    with Image.open(BytesIO(answer.content)) as image:
        assert image.info["loop"] == 0
        for frame in ImageSequence.Iterator(image):
            images.append(np.asarray(frame.convert("RGB")))
            shown_ms.append(frame.info.get("duration") or frame.info["timestamp"])
    return images, shown_ms


def in_rgb(pixels: np.ndarray) -> np.ndarray:
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_each_epoch_is_a_frame_without_loss(http: httpx.Client, grey: str, format: str) -> None:  # noqa: A002
    answer = http.get(f"/jobs/{grey}/timelapse?format={format}&frame_ms=100")
    assert answer.headers["content-type"] == f"image/{format}"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    images, shown_ms = frames(answer)
    assert len(images) == EPOCHS
    for epoch, image in enumerate(images):
        assert (image == in_rgb(grid(epoch, 1))).all()
    if format == "gif":
        assert shown_ms == [100] * (EPOCHS - 1) + [2000]


def test_colour_is_without_loss_as_webp_and_has_palettes_as_gif(http: httpx.Client, coloured: str) -> None:
    images, _ = frames(http.get(f"/jobs/{coloured}/timelapse"))
    assert all((image == grid(epoch, 3)).all() for epoch, image in enumerate(images))
    images, _ = frames(http.get(f"/jobs/{coloured}/timelapse?format=gif&tile=0"))
    assert all(len(np.unique(image.reshape(-1, 3), axis=0)) <= 256 for image in images)


@pytest.mark.parametrize("number", [0, 9, 63])
def test_a_tile_is_shown_alone(http: httpx.Client, grey: str, number: int) -> None:
    images, _ = frames(http.get(f"/jobs/{grey}/timelapse?tile={number}&scale=2"))
    top, left = (part * (28 + PAD) for part in divmod(number, COLUMNS))
    for epoch, image in enumerate(images):
        one = grid(epoch, 1)[top : top + 28, left : left + 28].repeat(2, axis=0).repeat(2, axis=1)
        assert (image == in_rgb(one)).all()


def test_it_grows_with_the_run(http: httpx.Client, services: Services) -> None:
    job_id = submit(http)
    none = http.get(f"/jobs/{job_id}/timelapse")
    assert (none.status_code, none.json()["detail"]) == (404, f"job {job_id} has no sample yet")
    attempt = run_with_grids(services, job_id, channels=1)
    before = http.get(f"/jobs/{job_id}/timelapse")
    assert before.headers["cache-control"] == "no-cache"
    attempt.run.sample(EPOCHS).write_bytes(to_png(grid(EPOCHS, 1)))
    after = http.get(f"/jobs/{job_id}/timelapse", headers={"if-none-match": before.headers["etag"]})
    assert len(frames(after)[0]) == EPOCHS + 1
    attempt.succeed()


def test_it_is_the_same_after_a_restart(http: httpx.Client, services: Services, grey: str) -> None:
    url = f"/jobs/{grey}/timelapse?format=gif&tile=3"
    first = http.get(url)
    with served(services.settings) as again:
        second = again.http.get(url)
        assert (second.content, second.headers["etag"]) == (first.content, first.headers["etag"])
        assert again.http.get(url, headers={"if-none-match": first.headers["etag"]}).status_code == 304


def test_accept_says_the_format(http: httpx.Client, grey: str) -> None:
    gif = http.get(f"/jobs/{grey}/timelapse", headers={"accept": "image/gif"})
    assert (gif.headers["content-type"], gif.headers["vary"]) == ("image/gif", "Accept")
    assert http.get(f"/jobs/{grey}/timelapse", headers={"accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("tile=64", "tile"), ("frame_ms=19", "frame_ms"), ("scale=9", "scale"), ("format=png", "format")],
)
def test_bad_values_are_refused(http: httpx.Client, grey: str, query: str, parameter: str) -> None:
    answer = http.get(f"/jobs/{grey}/timelapse?{query}")
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_frames_that_are_too_large_are_refused(http: httpx.Client, grey: str) -> None:
    answer = http.get(f"/jobs/{grey}/timelapse?scale=5")
    [error] = answer.json()["errors"]
    assert error["detail"] == "a frame has 1190 x 1190 pixels then; allowed here: 1 to 4"
    assert http.get(f"/jobs/{grey}/timelapse?scale=4&format=gif").status_code == 200


def test_epochs_are_chosen_evenly() -> None:
    assert spread([0, 1, 2], 128) == [0, 1, 2]
    assert spread(range(9), 5) == [0, 2, 4, 6, 8]
    chosen = spread(range(1000), 128)
    assert (len(chosen), chosen[0], chosen[-1]) == (128, 0, 999)
    assert set(np.diff(chosen)) <= {7, 8}
    assert spread([0], 128) == [0]
