"""What a library would answer in plain text is a problem."""

import httpx
import pytest

from tests.app.http.test_errors import problem

STATIC = "/static-offline-docs/swagger-ui.css"
FILES = ["/jobs/{job_id}/samples/latest", "/jobs/{job_id}/checkpoints/1/generator", STATIC]


@pytest.mark.parametrize("path", FILES)
def test_a_range_behind_the_end_is_a_problem(http: httpx.Client, job_id: str, path: str) -> None:
    url = path.format(job_id=job_id)
    size = http.head(url).headers["content-length"]
    refused = http.get(url, headers={"Range": "bytes=99999999-"})
    problem(refused, 416, "range-not-satisfiable")
    assert refused.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize("wanted", ["bytes=9-1", "bytes=x", "bytes=", "-"])
@pytest.mark.parametrize("path", FILES)
def test_a_range_that_makes_no_sense_is_a_problem(http: httpx.Client, job_id: str, path: str, wanted: str) -> None:
    problem(http.get(path.format(job_id=job_id), headers={"Range": wanted}), 400, "bad-request")


@pytest.mark.parametrize("path", FILES)
def test_a_range_that_is_there_is_answered(http: httpx.Client, job_id: str, path: str) -> None:
    url = path.format(job_id=job_id)
    part = http.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, http.get(url).content[10:20])


@pytest.mark.parametrize("wanted", ["lines=1-2", "items=0-5", "seconds=10-"])
@pytest.mark.parametrize("path", FILES)
def test_a_range_in_another_unit_is_as_if_it_were_not_asked_for(
    http: httpx.Client, job_id: str, path: str, wanted: str
) -> None:
    url = path.format(job_id=job_id)
    whole = http.get(url, headers={"Range": wanted})
    assert (whole.status_code, whole.content) == (200, http.get(url).content)


@pytest.mark.parametrize("path", ["/static-offline-docs/nothing", "/jobs/a/b/c", "/v2/models"])
def test_what_is_not_there_is_a_problem(http: httpx.Client, path: str) -> None:
    problem(http.get(path), 404, "not-found")
