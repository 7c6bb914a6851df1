"""Any JSON at any place is taken or refused with the field, the value and what is allowed; nothing of it is a crash."""

import json
from typing import Any

import httpx
import pytest

from app.images.openai_schemas import OpenAIImagesRequest
from app.jobs.request import TrainRequest
from app.shelf.views import ActivateRequest
from tests.app.http.test_errors import job_count, problem

JSON = {"content-type": "application/json"}
VALUES: list[Any] = [
    None,
    True,
    7,
    -1,
    0.5,
    1e308,
    "x",
    "\u0000",
    "",
    [],
    ["smoke"],
    {},
    {"name": "smoke"},
    [[{"a": [None]}]],
]
FIELDS = [
    *(("POST", "/train", field, {}) for field in TrainRequest.model_fields),
    *(("PUT", "/models/active", field, {"model": "none"}) for field in ActivateRequest.model_fields),
    *(("POST", "/v1/images/generations", field, {"prompt": "a 7"}) for field in OpenAIImagesRequest.model_fields),
]


def send(http: httpx.Client, body: str | bytes, path: str = "/train", method: str = "POST") -> httpx.Response:
    return http.request(method, path, content=body, headers=JSON)


@pytest.mark.parametrize(("method", "path", "field", "rest"), FIELDS, ids=lambda value: str(value))
def test_a_value_of_any_type_in_any_field_is_no_crash(
    http: httpx.Client, method: str, path: str, field: str, rest: dict[str, Any]
) -> None:
    for value in VALUES:
        answer = send(http, json.dumps({**rest, field: value}), path, method)
        assert answer.status_code in (200, 202, 404, 422), (value, answer.text)
        if answer.status_code == 202:
            http.post(answer.json()["links"]["cancel"])
        elif answer.status_code == 422 and path.startswith("/v1"):
            assert answer.json()["error"]["param"] == field
        elif answer.status_code == 422:
            assert {error["pointer"] for error in answer.json()["errors"]} == {f"/{field}"}, (value, answer.text)


@pytest.mark.parametrize("value", [["smoke"], {"name": "smoke"}, 7, None, True])
def test_a_preset_of_another_type_is_named(http: httpx.Client, value: Any) -> None:
    (error,) = problem(send(http, json.dumps({"preset": value})), 422, "invalid-parameter")["errors"]
    assert error["pointer"] == "/preset"
    assert "'smoke'" in error["detail"]


@pytest.mark.parametrize("body", ["[]", "3", '"smoke"', "true", "[[]]"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/train"), ("PUT", "/models/active")])
def test_a_body_that_is_no_object_is_refused(http: httpx.Client, method: str, path: str, body: str) -> None:
    problem(send(http, body, path, method), 422, "invalid-parameter")


@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", "a\\uD83D", "\\ude00\\ud83d"])
@pytest.mark.parametrize(
    ("method", "path", "template", "pointer"),
    [
        ("POST", "/train", '{"dataset": "%s"}', "/dataset"),
        ("POST", "/train", '{"preset": "%s"}', "/preset"),
        ("POST", "/train", '{"%s": 1}', None),
        ("POST", "/train", '{"x": [{"y": "%s"}]}', "/x/0/y"),
        ("PUT", "/models/active", '{"model": "%s"}', "/model"),
        ("POST", "/v1/images/generations", '{"prompt": "%s"}', "prompt"),
        ("POST", "/v1/images/generations", '{"prompt": "7", "user": "%s"}', "user"),
        ("POST", "/v1/images/generations", '{"prompt": "7", "%s": 1}', None),
    ],
)
def test_half_of_a_surrogate_pair_is_shown_escaped(
    http: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    template: str,
    pointer: str | None,
    half: str,
) -> None:
    answer = send(http, template.replace("%s", half), path, method)
    assert answer.status_code == 422
    answer.content.decode("utf-8")
    assert not any("\ud800" <= character <= "\udfff" for character in str(answer.json()))
    if path.startswith("/v1"):
        assert pointer in (None, answer.json()["error"]["param"])
        assert "surrogate" in answer.json()["error"]["message"]
    else:
        (error,) = answer.json()["errors"]
        assert pointer in (None, error["pointer"])
        assert half[-6:].lower() in error["value"].lower()
    assert caplog.records == []


def test_whole_characters_are_taken(http: httpx.Client) -> None:
    (error,) = problem(send(http, '{"dataset": "\\ud83d\\ude00"}'), 422, "invalid-parameter")["errors"]
    assert error["value"] == "\U0001f600"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"dataset": "\xff"}', "byte 0xff at position 13"),
        (b'{"dataset": "\xc3', "at position 13"),
        (b"\x80", "byte 0x80 at position 0"),
        (b"[" * 30_000 + b"]" * 30_000, "nested too deep"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nested too deep"),
        (b"[" * 40 + b"]" * 40, "allowed: up to 32"),
        (b"[" * 30_000, "nested too deep"),
        (b"{epochs: 3}", "at position 1"),
        (b'{"epochs": 3', "at position 12"),
        (b'{"lr_g": NaN}', "NaN"),
        (b'{"lr_g": -Infinity}', "-Infinity"),
        (b" ", "at position 1"),
    ],
)
@pytest.mark.parametrize("path", ["/train", "/v1/images/generations"])
def test_what_is_no_json_is_refused_with_the_reason(http: httpx.Client, path: str, body: bytes, reason: str) -> None:
    answer = send(http, body, path)
    if path == "/train":
        assert reason in problem(answer, 400, "invalid-json")["detail"]
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid-json")
        assert reason in answer.json()["error"]["message"]


@pytest.mark.parametrize("digits", [310, 5_000])
def test_a_number_without_end_is_named(http: httpx.Client, digits: int) -> None:
    for number in ("9" * digits, "-" + "9" * digits):
        (error,) = problem(send(http, f'{{"seed": {number}}}'), 422, "invalid-parameter")["errors"]
        assert error["pointer"] == "/seed"
        assert error["value"].startswith(number[:200])
        assert "allowed: up to 309" in error["detail"]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400 + ".0", "9" * 300])
def test_a_number_that_is_too_large_is_named(http: httpx.Client, number: str) -> None:
    for field in ("lr_g", "seed"):
        (error,) = problem(send(http, f'{{"{field}": {number}}}'), 422, "invalid-parameter")["errors"]
        assert error["pointer"] == f"/{field}"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ('{"epochs": 1, "epochs": 0}', {"/epochs"}),
        ('{"epochs": 1, "epochs": 1}', {"/epochs"}),
        ('{"seed": 1, "epochs": 1, "\\u0065pochs": 2, "seed": 3}', {"/epochs", "/seed"}),
        ('{"x": [{"a/b": 1, "a/b": 2}]}', {"/x/0/a~1b"}),
    ],
)
def test_a_key_that_is_given_twice_is_refused(http: httpx.Client, body: str, pointers: set[str]) -> None:
    before = job_count(http)
    errors = problem(send(http, body), 422, "invalid-parameter")["errors"]
    assert {error["pointer"] for error in errors} == pointers
    assert all("once" in error["detail"] for error in errors)
    assert job_count(http) == before


@pytest.mark.parametrize("number", ["5.0", "5e0", "50e-1", "0.5e1", "5.000"])
def test_a_whole_number_is_an_integer_however_it_is_written(http: httpx.Client, number: str) -> None:
    body = f'{{"preset": "smoke", "epochs": {number}, "lr_g": 1.0, "seed": 9007199254740991.0, "publish": "never"}}'
    answer = send(http, body)
    assert answer.status_code == 202
    assert http.post(answer.json()["links"]["cancel"])
    recipe = answer.json()["recipe"]
    assert (recipe["epochs"], recipe["lr_g"], recipe["seed"]) == (5, 1, 2**53 - 1)
    drawn = send(http, f'{{"prompt": "7", "n": {number}, "seed": {number}}}', "/v1/images/generations").json()
    assert (len(drawn["data"]), drawn["seed"]) == (5, 5)


@pytest.mark.parametrize("number", ["5.5", "0.0", "5.0000001", "1e17"])
def test_what_is_no_whole_number_in_range_is_refused(http: httpx.Client, number: str) -> None:
    (error,) = problem(send(http, f'{{"epochs": {number}}}'), 422, "invalid-parameter")["errors"]
    assert error["pointer"] == "/epochs"
