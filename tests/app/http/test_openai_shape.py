"""On the paths of OpenAI's API every error has its shape, whoever finds it."""

import httpx
import pytest

from tests.app.http.test_errors import problem


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/v1/images/generations", {}, 405, "method-not-allowed"),
        ("GET", "/v1/nothing", {}, 404, "not-found"),
        ("POST", "/v1/chat/completions", {}, 404, "not-found"),
        ("POST", "/v1/images/generations", {"Origin": "null"}, 403, "cross-origin"),
        ("POST", "/v1/images/generations", {"Host": "evil.example"}, 421, "unknown-host"),
        ("POST", "/v1/images/generations", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", "/v1/images/generations", {"Content-Encoding": "gzip"}, 415, "unsupported-media-type"),
        ("POST", "/v1/images/generations", {"X-Padding": "large"}, 413, "payload-too-large"),
        ("POST", "/v1/images/generations?a=1&a=2", {}, 422, "invalid-parameter"),
    ],
)
def test_an_error_has_openais_shape(
    http: httpx.Client, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    content = b'{"prompt": "7"}'.ljust(100_000 if "X-Padding" in headers else 0)
    answer = http.request(method, path, content=content, headers={"Content-Type": "application/json"} | headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == (code, "invalid_request_error")
    assert error["message"]


def test_a_body_that_is_missing_is_no_parameter(http: httpx.Client) -> None:
    for content, words in ((b"", "required, but missing"), (b"[]", "object")):
        headers = {"Content-Type": "application/json"}
        error = http.post("/v1/images/generations", content=content, headers=headers).json()["error"]
        assert error["param"] is None
        assert error["message"].startswith("not accepted: the body; the body: ")
        assert words in error["message"]


def test_a_parameter_of_the_url_is_named_as_it_is(http: httpx.Client) -> None:
    for query in ("preset=smoke", "preset=a&preset=b"):
        error = http.get(f"/v1/models?{query}").json()["error"]
        assert (error["param"], error["code"]) == ("preset", "invalid-parameter")


@pytest.mark.parametrize("path", ["/v1", "/v10/models", "/v1x", "/jobs/v1/x/"])
def test_other_paths_answer_problems(http: httpx.Client, path: str) -> None:
    problem(http.get(path), 404, "not-found")
