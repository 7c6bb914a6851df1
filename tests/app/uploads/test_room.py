"""Uploads and their jobs: a body goes with its job, none goes that a job needs, and all together are bounded."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from core.settings import Settings
from tests.app.http.test_errors import problem
from tests.in_process import Api, served
from tests.uploaded import archive, upload

ZIP = archive()
MOST = 4 * len(ZIP) + 100


def imported(http: httpx.Client, query: str = "", **body: bytes) -> tuple[str, str]:
    """The ids of a new job and of its upload."""
    answer = http.post(f"/datasets?name=own{query}", **body)  # type: ignore[arg-type]
    assert answer.status_code == 202, answer.text
    return answer.json()["id"], answer.json()["upload"]


def end(http: httpx.Client, job_id: str) -> None:
    http.post(f"/jobs/{job_id}/cancel").raise_for_status()


def delete(http: httpx.Client, job_id: str) -> None:
    end(http, job_id)
    assert http.delete(f"/jobs/{job_id}").status_code == 204


def test_a_body_goes_with_its_job(http: httpx.Client, services: Services) -> None:
    job, body = imported(http, content=ZIP)
    end(http, job)
    assert services.uploads.get(body), "it can be imported again for a day"
    delete(http, job)
    assert body not in services.uploads.ids()


def test_a_body_stays_while_another_job_imports_it(http: httpx.Client, services: Services) -> None:
    first, body = imported(http, "&dry_run=true", content=ZIP)
    second, _ = imported(http, f"&upload={body}")
    delete(http, first)
    assert services.uploads.get(body)
    delete(http, second)
    assert body not in services.uploads.ids()


def test_what_was_uploaded_by_itself_stays_until_its_owner_removes_it(http: httpx.Client, services: Services) -> None:
    own = upload(services.settings, ZIP).id
    job, _ = imported(http, f"&upload={own}")
    delete(http, job)
    assert services.uploads.get(own)
    assert http.delete(f"/uploads/{own}").status_code == 204


@pytest.mark.parametrize("by", ["the owner", "the end of another job"])
def test_an_upload_that_goes_while_its_job_is_made_is_404(http: httpx.Client, services: Services, by: str) -> None:
    """The request has found the upload, and waits for whoever removes it."""
    if by == "the owner":
        one, other = upload(services.settings, ZIP).id, None
    else:
        other, one = imported(http, content=ZIP)
    with ThreadPoolExecutor(1) as pool:
        with services.uploads.changing():
            answer = pool.submit(http.post, f"/datasets?name=own&upload={one}")
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.5)
            services.uploads.delete(one)
        problem(answer.result(), 404, "upload-not-found")
    if other is not None:
        delete(http, other)


def test_an_upload_is_not_removed_while_a_job_of_it_is_made(http: httpx.Client, services: Services) -> None:
    first, body = imported(http, content=ZIP)
    end(http, first)
    with ThreadPoolExecutor(1) as pool:
        with services.uploads.keeping(body):
            gone = pool.submit(http.delete, f"/jobs/{first}")
            with pytest.raises(TimeoutError):
                gone.result(timeout=0.5)
            second, _ = imported(http, f"&upload={body}")
        assert gone.result().status_code == 204
    assert services.uploads.get(body)
    delete(http, second)
    assert body not in services.uploads.ids()


@pytest.fixture
def bounded(services: Services, tmp_path: Path) -> Iterator[Api]:
    """An API with room for four files."""
    own = {"data_dir": tmp_path / "var", "max_all_uploads_bytes": MOST}
    with served(Settings(**services.settings.model_dump() | own)) as api:
        yield api


def test_all_uploads_together_are_bounded_however_they_come(bounded: Api) -> None:
    http, size = bounded.http, len(ZIP)
    begun = http.post("/uploads", headers={"upload-length": str(2 * size)}).json()["id"]  # none of it came yet
    job, _ = imported(http, content=ZIP)
    (_, streamed) = imported(http, content=(ZIP[k : k + 1000] for k in range(0, size, 1000)))  # type: ignore[arg-type]
    there = 4 * size
    for refused in (
        http.post("/uploads", headers={"upload-length": "101"}),
        http.post("/datasets?name=own", content=ZIP),
        http.post("/datasets?name=own", content=iter([ZIP])),
    ):
        detail = problem(refused, 507, "uploads-full")["detail"]
        assert f"allowed: {MOST} bytes in all" in detail
    assert len(bounded.services.uploads.ids()) == 3
    assert (
        f"uploads of {there} bytes"
        in problem(http.post("/uploads", headers={"upload-length": "101"}), 507, "uploads-full")["detail"]
    )
    assert http.post("/uploads", headers={"upload-length": "100"}).status_code == 201
    delete(http, job)
    assert http.post("/uploads", headers={"upload-length": str(size)}).status_code == 201
    assert {begun, streamed} <= set(bounded.services.uploads.ids())


def test_two_uploads_at_once_do_not_take_the_same_room(bounded: Api) -> None:
    def begin(_: int) -> int:
        return bounded.http.post("/uploads", headers={"upload-length": str(len(ZIP))}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(12))) == [201] * 4 + [507] * 8
