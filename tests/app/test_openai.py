"""The images of OpenAI's API, asked for by its own client."""

from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from models.shelf import Shelf
from tests.service import Service
from tests.tiny import save_tiny

PATH = "/v1/images/generations"


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.base}/v1", api_key="unused", max_retries=0) as running:
        yield running


def wish(client: openai.OpenAI, **wanted: Any) -> openai.types.ImagesResponse:
    answer = client.images.generate(**{"prompt": "any", **wanted})
    assert isinstance(answer, openai.types.ImagesResponse)
    return answer


def pngs(answer: openai.types.ImagesResponse) -> list[bytes]:
    assert answer.data is not None
    assert all(image.url is None for image in answer.data)
    return [b64decode(image.b64_json or "") for image in answer.data]


@pytest.mark.parametrize(
    ("prompt", "digit"), [("Draw a 7, then a 3", "73"), ("4", "4"), ("90210", "902"), ("٣²", None)]
)
def test_the_digits_of_the_prompt_are_drawn(
    client: openai.OpenAI, http: httpx.Client, prompt: str, digit: str | None
) -> None:
    drawn = pngs(wish(client, prompt=prompt, n=3, response_format="b64_json", extra_body={"seed": 5}))
    assert len(drawn) == 3
    for k, png in enumerate(drawn):
        query = {"n": 1, "seed": 5, "start": k} | ({"digit": digit} if digit else {})
        assert png == http.get("/generate", params=query).content


def test_a_url_is_a_picture_on_this_server(client: openai.OpenAI, service: Service) -> None:
    wanted: dict[str, Any] = {"prompt": "8 6", "n": 2, "size": "84x84", "extra_body": {"seed": 3}}
    answer = wish(client, **wanted, user="someone")
    assert answer.data is not None
    urls = [image.url or "" for image in answer.data]
    assert all(url.startswith(f"{service.base}/generate?") for url in urls)
    assert [httpx.get(url).raise_for_status().content for url in urls] == pngs(
        wish(client, **wanted, response_format="b64_json")
    )


def test_without_a_seed_each_answer_is_new_and_says_its_seed(client: openai.OpenAI) -> None:
    first, second = (wish(client, response_format="b64_json") for _ in range(2))
    assert pngs(first) != pngs(second)
    assert first.created > 1_700_000_000
    extra = first.model_extra or {}
    again = wish(client, response_format="b64_json", model=extra["model"], extra_body={"seed": extra["seed"]})
    assert pngs(again) == pngs(first)


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_the_size_is_a_multiple_of_what_the_models_draw(client: openai.OpenAI, scale: int) -> None:
    size = f"{28 * scale}x{28 * scale}"
    (png,) = pngs(wish(client, size=size, response_format="b64_json"))
    assert Image.open(BytesIO(png)).size == (28 * scale, 28 * scale)


@pytest.mark.parametrize(
    ("wanted", "param", "words"),
    [
        ({"size": "1024x1024"}, "size", "'28x28'"),
        ({"n": 11}, "n", "less than or equal to 10"),
        ({"response_format": "jpeg"}, "response_format", "'b64_json'"),
        ({"quality": "hd"}, "quality", "allowed: prompt, n, model"),
        ({"extra_body": {"seed": -1}}, "seed", "greater than or equal to 0"),
    ],
)
def test_the_client_understands_what_is_wrong(
    client: openai.OpenAI, wanted: dict[str, Any], param: str, words: str
) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        wish(client, **wanted)
    assert (caught.value.param, caught.value.code, caught.value.type) == (
        param,
        "invalid-parameter",
        "invalid_request_error",
    )
    assert words in caught.value.message


def test_the_client_understands_that_a_model_is_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        wish(client, model="dall-e-3")
    assert (caught.value.code, caught.value.param) == ("model-not-found", None)
    assert "dall-e-3" in caught.value.message


def test_a_digit_that_the_model_does_not_know_is_the_prompts_fault(
    client: openai.OpenAI, service: Service, tmp_path: Path
) -> None:
    save_tiny(tmp_path / "few", classes=4)
    model = Shelf(service.folder / "shelf").add(tmp_path / "few").model_id
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        wish(client, prompt="a 7", model=model)
    assert caught.value.param == "prompt"
    assert "allowed: 0 to 3" in caught.value.message


def test_bodies_that_are_no_wish_are_refused_in_the_same_shape(http: httpx.Client) -> None:
    json_type = {"content-type": "application/json"}
    for content, headers, status, code in (
        (b"{prompt", json_type, 400, "invalid-json"),
        (b'{"prompt": "7"}', {"content-type": "text/plain"}, 415, "unsupported-media-type"),
        (b"{}", json_type, 422, "invalid-parameter"),
        (b"", json_type, 422, "invalid-parameter"),
    ):
        answer = http.post(PATH, content=content, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
        assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
        assert answer.json()["error"]["code"] == code
