"""Folders that vanish while the service runs, as an unmounted volume does: 503 with the setting, and back again."""

import shutil
from pathlib import Path

import pytest

from app.http.services import Services
from tests.app.http.test_errors import job_count, problem
from tests.in_process import served

ROOT = Path(__file__).resolve().parents[3]


def test_a_folder_that_is_gone_is_named_and_nothing_is_started(
    services: Services, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    datasets, data = tmp_path / "datasets", tmp_path / "var"
    shutil.copytree(ROOT / "datasets", datasets)
    settings = services.settings.model_copy(update={"datasets_dir": datasets, "data_dir": data})
    with served(settings) as (http, *_):
        before = job_count(http)
        datasets.rename(tmp_path / "away")
        refused = http.post("/train", json={"preset": "smoke"})
        assert "DIGITFORGE_DATASETS_DIR" in problem(refused, 503, "storage-unavailable")["detail"]
        assert refused.headers["retry-after"]
        assert job_count(http) == before
        assert str(datasets) in caplog.text
        (tmp_path / "away").rename(datasets)

        shelf = data / "shelf"
        shelf.rename(data / "away")
        refused = http.get("/models")
        assert "DIGITFORGE_DATA_DIR" in problem(refused, 503, "storage-unavailable")["detail"]
        (data / "away").rename(shelf)
        assert http.get("/models").status_code == 200

        (shelf / "active").mkdir()
        problem(http.get("/generate"), 503, "storage-unavailable")
        (shelf / "active").rmdir()
        assert http.get("/generate").status_code == 200
        assert "Traceback" not in caplog.text
