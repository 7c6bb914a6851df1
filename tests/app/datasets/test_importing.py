"""POST /datasets: a file becomes the job of an import, or is refused with nothing left of it."""

import io
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.http.services import Services
from core.settings import Settings
from tests.app.http.test_errors import job_count, problem
from tests.in_process import Api, served
from tests.service import wait_until
from tests.tiny import largest_file
from tests.wire import Wire


def packed(size: int = 1000) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/1.png", bytes(size))
    return buffer.getvalue()


ZIP = packed()
SHA256 = sha256(ZIP).hexdigest()


def structured(digest: bytes) -> str:
    return f":{b64encode(digest).decode()}:"


def accepted(
    http: httpx.Client, query: str = "name=own", content: bytes = ZIP, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    answer = http.post(f"/datasets?{query}", content=content, headers=headers)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == job["links"]["self"] == f"/jobs/{job['id']}"
    return job


@pytest.fixture(autouse=True)
def jobs_of_one_test(http: httpx.Client) -> Iterator[None]:
    yield
    for job in http.get("/jobs?status=queued&limit=100").json()["data"]:
        http.post(f"/jobs/{job['id']}/cancel")


@pytest.fixture
def nothing_left(http: httpx.Client, services: Services) -> Iterator[None]:
    """Whatever the test sends: there is no upload and no job more than before."""
    uploads, jobs = sorted(services.uploads.ids()), job_count(http)
    yield
    assert sorted(services.uploads.ids()) == uploads
    assert job_count(http) == jobs


def test_a_file_becomes_the_job_of_its_import(http: httpx.Client, services: Services) -> None:
    query = "name=own&size=32&channels=3&fit=crop&background=FFFFFF&labels=none&split=none&file=my%20icons.zip"
    job = accepted(http, query)
    assert (job["kind"], job["status"], job["name"], job["dry_run"]) == ("import", "queued", "own", False)
    assert (job["file"], job["bytes"], job["sha256"]) == ("my icons.zip", len(ZIP), SHA256)
    wanted = {"size": 32, "channels": 3, "fit": "crop", "background": "ffffff", "labels": "none", "split": "none"}
    assert job["options"] == {**wanted, "invert": False, "transpose": False}
    assert http.get(job["links"]["self"]).json() == job
    upload = services.uploads.use(job["upload"])
    assert (upload.data.read_bytes(), upload.meta.sha256) == (ZIP, SHA256)


def test_a_data_set_that_is_not_there_yet_is_said_to_come(http: httpx.Client) -> None:
    job = accepted(http, "name=coming")
    missing = problem(http.get("/datasets/coming"), 404, "dataset-not-found")["detail"]
    assert missing.endswith(f"job {job['id']}, which imports it, is queued")


def test_a_dry_run_is_a_job_too(http: httpx.Client) -> None:
    assert accepted(http, "name=own&dry_run=true")["dry_run"] is True


@pytest.mark.parametrize("kind", ["application/zip", "application/octet-stream", "application/x-www-form-urlencoded"])
def test_what_a_client_calls_the_body_does_not_count(http: httpx.Client, kind: str) -> None:
    assert accepted(http, headers={"content-type": kind})["sha256"] == SHA256


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("query", "parameter", "allowed"),
    [
        ("", "name", "required"),
        ("name=", "name", "1 to 64 of the letters"),
        ("name=../own", "name", "1 to 64 of the letters"),
        ("name=mnist", "name", "allowed: another name"),
        (f"name={'0' * 16}", "name", "allowed: another name"),
        ("name=own&size=33", "size", "allowed: 16, 20"),
        ("name=own&size=8", "size", "greater than or equal to 16"),
        ("name=own&channels=2", "channels", "1 or 3"),
        ("name=own&channels=x", "channels", "1 or 3"),
        ("name=own&fit=zoom", "fit", "'pad', 'crop' or 'stretch'"),
        ("name=own&background=white", "background", "pattern"),
        ("name=own&upload=x", "upload", "32 hex digits"),
        ("name=own&file=a%00.zip", "file", "none of them a control character"),
        (f"name=own&file={'a' * 256}", "file", "255"),
        ("name=own&colour=1", "colour", "allowed: size, channels"),
    ],
)
def test_a_wrong_parameter_is_named(http: httpx.Client, query: str, parameter: str, allowed: str) -> None:
    (error,) = problem(http.post(f"/datasets?{query}", content=ZIP), 422, "invalid-parameter")["errors"]
    assert error["parameter"] == parameter
    assert allowed in error["detail"]


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"<!doctype html><title>404</title>", "HTML page"),
        (b"\x80\x04\x95" + bytes(100), "pickle"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"Rar!\x1a\x07\x01\x00", "zip or a tar"),
        (b"<!doctype html>" + b" " * 3_000_000, "HTML page"),
    ],
)
def test_what_is_hopeless_is_refused_with_a_hint(http: httpx.Client, content: bytes, hint: str) -> None:
    refused = http.post("/datasets?name=own", content=content)
    assert hint in problem(refused, 415, "unsupported-media-type")["detail"]


@pytest.mark.usefixtures("nothing_left")
def test_a_form_and_no_body_are_refused_with_how_to_do_it(http: httpx.Client) -> None:
    form = http.post("/datasets?name=own", files={"file": ZIP})
    assert "curl -X POST -T FILE" in problem(form, 415, "unsupported-media-type")["detail"]
    assert "curl -X POST -T FILE" in problem(http.post("/datasets?name=own"), 400, "bad-request")["detail"]


@pytest.mark.parametrize("header", ["content-digest", "repr-digest"])
def test_a_digest_that_is_sent_along_is_checked(http: httpx.Client, services: Services, header: str) -> None:
    right, wrong = structured(sha256(ZIP).digest()), structured(sha256(b"").digest())
    accepted(http, headers={header: f"sha-256={right}"})
    accepted(http, headers={header: f"sha-512={structured(sha512(b'').digest())}, sha-256={right}"})
    uploads, jobs = services.uploads.ids(), job_count(http)
    refused = http.post("/datasets?name=own", content=ZIP, headers={header: f"sha-256={wrong}"})
    assert SHA256 in problem(refused, 400, "digest-mismatch")["detail"]
    for malformed in ("sha-256=abc", "sha-256=:abc:", f"md5={right}", "", f"sha-256={right[:-3]}:"):
        refused = http.post("/datasets?name=own", content=ZIP, headers={header: malformed})
        problem(refused, 400, "bad-request")
        assert refused.headers[f"want-{header}"] == "sha-256=10"
    assert (services.uploads.ids(), job_count(http)) == (uploads, jobs)


def test_the_same_key_and_file_make_one_job(http: httpx.Client, services: Services) -> None:
    first = accepted(http, headers={"idempotency-key": "import-1"})
    uploads, jobs = sorted(services.uploads.ids()), job_count(http)
    http.post(f"/jobs/{first['id']}/cancel")
    again = http.post("/datasets?name=own", content=ZIP, headers={"idempotency-key": "import-1"})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert again.json() == first
    for query, content in (("name=other", ZIP), ("name=own", packed(9)), ("name=own&invert=true", ZIP)):
        refused = http.post(f"/datasets?{query}", content=content, headers={"idempotency-key": "import-1"})
        problem(refused, 422, "idempotency-key-reused")
    assert (sorted(services.uploads.ids()), job_count(http)) == (uploads, jobs)


def test_an_upload_is_imported_by_its_id_as_often_as_is_asked(http: httpx.Client, services: Services) -> None:
    headers = {"content-type": "application/offset+octet-stream", "upload-length": str(len(ZIP))}
    upload = http.post("/uploads", content=ZIP, headers=headers).json()["id"]
    for name in ("own", "other"):
        job = accepted(http, f"name={name}&upload={upload}", content=b"")
        assert (job["name"], job["upload"], job["sha256"]) == (name, upload, SHA256)
    right = f"sha-256={structured(sha256(ZIP).digest())}"
    accepted(http, f"name=own&upload={upload}", content=b"", headers={"repr-digest": right})
    wrong = {"repr-digest": f"sha-256={structured(sha256(b'').digest())}"}
    problem(http.post(f"/datasets?name=own&upload={upload}", headers=wrong), 400, "digest-mismatch")
    both = http.post(f"/datasets?name=own&upload={upload}", content=ZIP)
    assert "allowed: one of them" in problem(both, 422, "invalid-parameter")["errors"][0]["detail"]
    assert upload in services.uploads.ids()


def test_the_same_key_and_upload_make_one_job_also_once_it_was_imported(http: httpx.Client, services: Services) -> None:
    headers = {"content-type": "application/offset+octet-stream", "upload-length": str(len(ZIP))}
    metadata = f"filename {b64encode(b'a.zip').decode()}"
    upload = http.post("/uploads", content=ZIP, headers={**headers, "upload-metadata": metadata}).json()["id"]
    key = {"idempotency-key": "import-2"}
    first = accepted(http, f"name=own&upload={upload}", b"", key)
    services.uploads.delete(upload)  # as the import does that succeeds
    again = http.post(f"/datasets?name=own&upload={upload}", headers=key)
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (202, "true")
    assert again.json() == first
    refused = http.post(f"/datasets?name=other&upload={upload}", headers=key)
    problem(refused, 422, "idempotency-key-reused")
    problem(http.post(f"/datasets?name=own&upload={upload}"), 404, "upload-not-found")


def test_an_upload_that_is_not_whole_or_not_there_is_not_imported(http: httpx.Client) -> None:
    part = http.post("/uploads", headers={"upload-length": str(len(ZIP))}).json()["id"]
    before = job_count(http)
    problem(http.post(f"/datasets?name=own&upload={part}"), 409, "upload-incomplete")
    problem(http.post(f"/datasets?name=own&upload={'0' * 32}"), 404, "upload-not-found")
    assert job_count(http) == before


def test_the_digest_of_an_upload_that_a_kill_has_cost_is_made_up_for(http: httpx.Client, services: Services) -> None:
    upload = services.uploads.create(len(ZIP)).id
    with services.uploads.append(upload, 0) as writer:  # and the process ends before it calls `finish`
        writer.write(ZIP)
    assert accepted(http, f"name=own&upload={upload}", content=b"")["sha256"] == SHA256


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 3000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n200000\r\n"]
)
def test_a_connection_that_breaks_off_leaves_nothing(base: str, services: Services, framing: bytes) -> None:
    before = len(services.uploads.ids())
    with Wire(base) as wire:
        wire.send(b"POST /datasets?name=own HTTP/1.1\r\nHost: localhost\r\n", framing, packed(2_000_000))
        wait_until(lambda: len(services.uploads.ids()) > before)
    wait_until(lambda: len(services.uploads.ids()) == before)


@pytest.fixture
def small(services: Services, tmp_path: Path) -> Iterator[Api]:
    """An API that takes files of 3 MB, and one job at a time."""
    own = {"data_dir": tmp_path / "var", "max_upload_bytes": 3_000_000, "max_queued": 1}
    with served(Settings(**services.settings.model_dump() | own)) as api:
        yield api
        assert api.services.uploads.ids() == []
        assert {path.name for path in api.services.settings.uploads_dir.rglob("*")} <= {".lock"}


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_that_is_too_large_is_refused_with_the_limit(small: Api, declared: bool) -> None:
    body = packed(3_100_000)
    content = body if declared else (body[i : i + 65536] for i in range(0, len(body), 65536))
    refused = small.http.post("/datasets?name=own", content=content)
    assert "allowed: 3000000" in problem(refused, 413, "payload-too-large")["detail"]


def test_a_full_disk_is_said_and_nothing_is_left(small: Api) -> None:
    with largest_file(1_500_000):
        refused = small.http.post("/datasets?name=own", content=packed(2_500_000))
    problem(refused, 507, "storage-full")


def test_a_full_queue_is_said_before_the_file_is_read(small: Api) -> None:
    key = {"idempotency-key": "full"}
    first = accepted(small.http, headers=key)
    upload = first["upload"]
    assert accepted(small.http, headers=key) == first  # no further job
    refused = small.http.post("/datasets?name=own", content=packed(2_000_000))
    problem(refused, 429, "queue-full")
    assert refused.headers["retry-after"]
    assert small.services.uploads.ids() == [upload]
    for job in small.http.get("/jobs?status=queued").json()["data"]:
        small.http.post(f"/jobs/{job['id']}/cancel")
    small.services.uploads.delete(upload)
