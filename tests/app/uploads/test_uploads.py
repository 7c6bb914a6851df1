"""Resumable uploads as tus 1.0.0 has them, over HTTP."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from core.settings import Settings
from core.uploads import KEPT_S
from tests.app.http.test_errors import problem
from tests.in_process import Api, served
from tests.tiny import largest_file

DATA = bytes(range(256)) * 40
PART = {"content-type": "application/offset+octet-stream"}


def begin(http: httpx.Client, length: int = len(DATA), metadata: str = "") -> str:
    """The URL of a new upload."""
    answer = http.post("/uploads", headers={"upload-length": str(length), "upload-metadata": metadata})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def send(http: httpx.Client, url: str, offset: int, data: bytes) -> httpx.Response:
    return http.patch(url, content=data, headers={**PART, "upload-offset": str(offset)})


def offset_of(http: httpx.Client, url: str) -> int:
    answer = http.head(url)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return int(answer.headers["upload-offset"])


def test_what_is_spoken_here_is_told(http: httpx.Client, services: Services) -> None:
    answer = http.options("/uploads")
    assert (answer.status_code, answer.headers["tus-version"]) == (204, "1.0.0")
    assert answer.headers["tus-max-size"] == str(services.settings.max_upload_bytes)
    assert answer.headers["tus-extension"].split(",") == [
        "creation",
        "creation-with-upload",
        "expiration",
        "termination",
    ]


@pytest.mark.parametrize("parts", [[len(DATA)], [1, len(DATA) - 1], [5000, 0, 5000, 240]])
def test_a_file_comes_in_parts_and_is_whole_at_the_end(
    http: httpx.Client, services: Services, parts: list[int]
) -> None:
    url = begin(http, metadata=f"filename {b64encode('bär.zip'.encode()).decode()},other")
    sent = 0
    for size in parts:
        answer = send(http, url, sent, DATA[sent : sent + size])
        sent += size
        assert (answer.status_code, answer.content) == (204, b"")
        assert int(answer.headers["upload-offset"]) == sent == offset_of(http, url)
    shown = http.get(url).json()
    assert (shown["complete"], shown["file"], shown["sha256"]) == (True, "bär.zip", sha256(DATA).hexdigest())
    assert services.uploads.get(shown["id"]).data.read_bytes() == DATA


def test_every_answer_says_how_long_the_upload_is_and_is_kept(http: httpx.Client) -> None:
    metadata = f"filename {b64encode(b'a.zip').decode()}"
    url = begin(http, metadata=metadata)
    for answer in (http.head(url), http.get(url), send(http, url, 0, b"x")):
        assert (answer.headers["tus-resumable"], answer.headers["upload-length"]) == ("1.0.0", str(len(DATA)))
        assert answer.headers["upload-metadata"] == metadata
        expires = parsedate_to_datetime(answer.headers["upload-expires"])
        assert timedelta(0) < expires - datetime.now(UTC) <= timedelta(seconds=KEPT_S)


def test_the_first_part_may_come_along(http: httpx.Client) -> None:
    headers = {**PART, "upload-length": str(len(DATA))}
    answer = http.post("/uploads", content=DATA[:100], headers=headers)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "100")
    whole = http.post("/uploads", content=DATA, headers=headers).json()
    assert (whole["complete"], whole["sha256"]) == (True, sha256(DATA).hexdigest())


@pytest.mark.parametrize("offset", [0, 99, 101, 2**53])
def test_a_part_that_belongs_elsewhere_is_refused_with_the_right_offset(http: httpx.Client, offset: int) -> None:
    url = begin(http)
    send(http, url, 0, DATA[:100])
    refused = send(http, url, offset, DATA[offset:])
    assert "goes on at offset 100" in problem(refused, 409, "upload-offset")["detail"]
    assert refused.headers["upload-offset"] == "100"
    assert offset_of(http, url) == 100


def test_more_than_was_announced_is_refused_and_what_came_before_is_kept(http: httpx.Client) -> None:
    url = begin(http)
    send(http, url, 0, DATA[:100])
    problem(send(http, url, 100, DATA), 413, "payload-too-large")
    assert offset_of(http, url) == 100
    assert send(http, url, 100, DATA[100:]).status_code == 204
    problem(send(http, url, len(DATA), b"x"), 409, "upload-offset")  # nothing goes behind the end


@pytest.mark.parametrize(
    ("headers", "status", "named"),
    [
        ({}, 422, "required"),
        ({"upload-length": "0"}, 422, "greater than or equal to 1"),
        ({"upload-length": "many"}, 422, "valid integer"),
        ({"upload-length": str(2**45)}, 413, "allowed: 536870912"),
        ({"upload-length": "5", "upload-metadata": "filename ä"}, 422, "base64"),
        ({"upload-length": "5", "upload-metadata": "filename /w=="}, 422, "base64"),
        ({"upload-length": "5", "upload-metadata": "filename AGE="}, 422, "none of them a control character"),
        ({"upload-length": "5", "upload-metadata": f"filename {'YWFh' * 86}"}, 422, "allowed: up to 255 characters"),
        ({"upload-length": "5", "tus-resumable": "0.2.2"}, 412, "allowed: 1.0.0"),
    ],
)
def test_a_wrong_header_is_named(http: httpx.Client, headers: dict[str, str], status: int, named: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    refused = http.post("/uploads", headers=raw)
    assert refused.status_code == status
    assert named in refused.text
    if status == 412:
        assert refused.headers["tus-version"] == "1.0.0"


@pytest.mark.parametrize("kind", ["application/octet-stream", "", "multipart/form-data; boundary=x"])
def test_a_body_of_another_type_is_refused(http: httpx.Client, kind: str) -> None:
    url = begin(http)
    for method, target in (("PATCH", url), ("POST", "/uploads")):
        headers = {"content-type": kind, "upload-offset": "0", "upload-length": "5"}
        refused = http.request(method, target, content=b"12345", headers=headers)
        assert "allowed: application/offset" in problem(refused, 415, "unsupported-media-type")["detail"]
    assert offset_of(http, url) == 0


def test_an_upload_can_be_removed(http: httpx.Client, services: Services) -> None:
    url = begin(http)
    assert http.delete(url).status_code == 204
    for answer in (http.get(url), http.delete(url), send(http, url, 0, b"x")):
        problem(answer, 404, "upload-not-found")
    assert url.rpartition("/")[2] not in services.uploads.ids()


def test_an_upload_stays_while_a_job_needs_it(http: httpx.Client, services: Services) -> None:
    job = http.post("/datasets?name=needed", content=b"a,b\n1,2\n").json()
    url = f"/uploads/{job['upload']}"
    assert job["id"] in problem(http.delete(url), 409, "upload-in-use")["detail"]
    http.post(f"/jobs/{job['id']}/pause")
    problem(http.delete(url), 409, "upload-in-use")
    assert job["upload"] in services.uploads.ids()
    http.post(f"/jobs/{job['id']}/cancel")
    assert http.delete(url).status_code == 204


def test_nothing_is_left_of_an_upload_whose_url_was_never_told(http: httpx.Client, services: Services) -> None:
    before = services.uploads.ids()
    refused = http.post("/uploads", content=b"123456", headers={**PART, "upload-length": "5"})
    problem(refused, 413, "payload-too-large")
    assert services.uploads.ids() == before


@pytest.mark.parametrize("upload_id", ["x", "0" * 32, "..x", "%00"])
def test_an_unknown_upload_is_404(http: httpx.Client, upload_id: str) -> None:
    problem(http.get(f"/uploads/{upload_id}"), 404, "upload-not-found")


def test_two_at_once_cannot_write_one_upload(http: httpx.Client, services: Services) -> None:
    url = begin(http)
    with services.uploads.append(url.rpartition("/")[2], 0) as writer:
        writer.write(b"mine")
        busy = send(http, url, 0, b"others")
        problem(busy, 423, "upload-busy")
        assert busy.headers["retry-after"]
    assert offset_of(http, url) == 4


@pytest.fixture
def small(services: Services, tmp_path: Path) -> Iterator[Api]:
    """An API that takes files of 3 MB."""
    own = services.settings.model_dump() | {"data_dir": tmp_path / "var", "max_upload_bytes": 3_000_000}
    with served(Settings(**own)) as api:
        yield api


def test_a_full_disk_is_said_and_what_came_is_kept(small: Api) -> None:
    data = DATA * 290
    url = begin(small.http, len(data))
    with largest_file(2_000_000):
        refused = send(small.http, url, 0, data)
        assert "disk is full" in problem(refused, 507, "storage-full")["detail"]
    came = offset_of(small.http, url)
    assert 0 < came <= 2_000_000
    assert send(small.http, url, came, data[came:]).status_code == 204
    assert small.http.get(url).json()["sha256"] == sha256(data).hexdigest()


def test_a_larger_body_is_refused_before_it_is_read(small: Api) -> None:
    url = begin(small.http, 1_000_000)
    refused = send(small.http, url, 0, bytes(3_000_001))
    assert "allowed: 3000000" in problem(refused, 413, "payload-too-large")["detail"]
    assert offset_of(small.http, url) == 0
