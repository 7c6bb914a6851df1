"""Data sets of the user's own, and what is wrong with them."""

from pathlib import Path

import httpx
import numpy as np

from tests.service import Service, follow
from tests.system.jobs import submit
from tests.tiny import digit_like, write_dataset


def test_bad_data_fails_the_job_with_the_reason(tmp_path: Path) -> None:
    datasets = tmp_path / "datasets"
    for name in ("EMNIST", "my digits", ".cache"):
        write_dataset(datasets / name, digit_like(0), np.arange(0))
    (datasets / "FashionMNIST").mkdir()
    (datasets / "FashionMNIST" / "train-images.idx3-ubyte").touch()
    with (
        Service(tmp_path / "var", datasets_dir=str(datasets)) as service,
        httpx.Client(base_url=service.base, timeout=30) as http,
    ):
        refused = {
            "nope": "there is no such data set; allowed: EMNIST; to use 'my digits', rename the folder",
            "my digits": "stands in commands and in paths; allowed: 1 to 64 of",
            "FashionMNIST": "no such file, raw or .gz; found train-images.idx3-ubyte: rename it",
        }
        for name, words in refused.items():
            answer = http.post("/train", json={"dataset": name})
            assert answer.status_code == 422
            (fault,) = answer.json()["errors"]
            assert (fault["pointer"], fault["value"]) == ("/dataset", name)
            assert words in fault["detail"]
        empty: dict[str, object] = {"preset": "smoke", "dataset": "EMNIST", "num_images": None}
        job = follow(http, submit(http, empty), "failed")
    assert job["error"]["type"] == "bad-data"
    assert f"{datasets}/EMNIST/train-images-idx3-ubyte: holds no data" in job["error"]["detail"]
    assert not job["error"]["retryable"]
    assert job["attempt"] == 1
