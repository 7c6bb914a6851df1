"""The images of OpenAI's API, asked for by its own client."""

from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from models.shelf import Shelf
from tests.tiny import save_tiny

PATH = "/v1/images/generations"


@pytest.fixture(scope="module")
def client(base: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{base}/v1", api_key="unused", max_retries=0) as running:
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


def test_a_url_is_a_picture_on_this_server(client: openai.OpenAI, base: str) -> None:
    wanted: dict[str, Any] = {"prompt": "8 6", "n": 2, "size": "84x84", "extra_body": {"seed": 3}}
    answer = wish(client, **wanted, user="someone")
    assert answer.data is not None
    urls = [image.url or "" for image in answer.data]
    assert all(url.startswith(f"{base}/generate?") for url in urls)
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


@pytest.mark.parametrize(
    ("size", "side"),
    [
        *((f"{28 * scale}x{28 * scale}", 28 * scale) for scale in (1, 2, 8)),
        ("auto", 28),
        ("28x99999", 28),
        ("55x200", 28),
        ("100x120", 84),
        ("256x256", 224),
        ("1024x1024", 224),
        ("1792x1024", 224),
        ("1024x1536", 224),
    ],
)
def test_an_image_is_the_largest_that_fits_the_size(client: openai.OpenAI, size: str, side: int) -> None:
    answer = wish(client, size=size, response_format="b64_json")
    (png,) = pngs(answer)
    assert Image.open(BytesIO(png)).size == (side, side)
    assert answer.size == f"{side}x{side}"


def test_a_null_is_as_if_it_were_left_out(client: openai.OpenAI, http: httpx.Client) -> None:
    fields = http.get("/openapi.json").json()["components"]["schemas"]["OpenAIImagesRequest"]["properties"]
    optional = fields.keys() - {"prompt"}
    assert len(optional) > 15
    assert all({"type": "null"} in fields[name]["anyOf"] for name in optional)
    nulls = dict.fromkeys(optional | {"svg"})
    given = {"seed": 3, "response_format": "b64_json"}
    answer = http.post(PATH, json={"prompt": "a 7", **nulls, **given}).raise_for_status().json()
    plain = http.post(PATH, json={"prompt": "a 7", **given}).raise_for_status().json()
    assert answer["data"] == plain["data"]
    assert http.post(PATH, json={"prompt": "a 7", **nulls}).status_code == 200
    refused = http.post(PATH, json={"prompt": None})
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "prompt")
    wished = wish(client, n=None, size=None, response_format="b64_json", quality=None, extra_body={"seed": 3})
    assert len(pngs(wished)) == 1


BY_THEMSELVES: dict[str, list[Any]] = {
    "quality": ["standard", "hd", "auto", "low", "high", "max"],
    "style": ["vivid", "natural"],
    "background": ["auto", "opaque"],
    "moderation": ["low", "auto"],
    "complexity": ["low"],
    "output_format": ["png"],
    "output_compression": [0, 100],
    "partial_images": [0],
    "stream": [False],
    "user": ["someone"],
    "model": ["dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-2.5-sunburst-2026-09-08", "chatgpt-image-latest"],
}


@pytest.mark.parametrize("name", BY_THEMSELVES)
def test_what_clients_send_by_themselves_changes_nothing(client: openai.OpenAI, name: str) -> None:
    wanted: dict[str, Any] = {"prompt": "a 7", "response_format": "b64_json", "extra_body": {"seed": 3}}
    plain = wish(client, **wanted)
    for value in BY_THEMSELVES[name]:
        answer = wish(client, **wanted, **{name: value})
        assert pngs(answer) == pngs(plain), value
        assert (answer.model_extra or {})["model"] == (plain.model_extra or {})["model"]
        assert (answer.output_format, answer.background) == ("png", "opaque")


@pytest.mark.parametrize(
    ("model", "in_base64"), [(None, False), ("dall-e-3", False), ("gpt-image-2", True), ("chatgpt-image-latest", True)]
)
def test_without_a_response_format_each_client_gets_what_it_expects(
    client: openai.OpenAI, model: str | None, in_base64: bool
) -> None:
    (image,) = wish(client, model=model).data or []
    assert (image.url is None, image.b64_json is not None) == (in_base64, in_base64)


def test_the_shelf_is_listed_as_openai_lists_its_models(
    client: openai.OpenAI, http: httpx.Client, shelf: Shelf, tmp_path: Path
) -> None:
    save_tiny(tmp_path / "another", seed=91, classes=10)
    another = shelf.add(tmp_path / "another").model_id
    listed = http.get("/models").json()
    names = dict(listed["datasets"])
    every = list(client.models.list())
    models, datasets = every[: -len(names)], every[-len(names) :]
    assert [model.id for model in datasets] == sorted(names)
    for model in datasets:  # as `model`, each draws from its active model
        assert client.models.retrieve(model.id) == model
        assert model.created == client.models.retrieve(names[model.id]).created
    assert models[0].id == listed["active"]
    assert sorted(model.id for model in models) == sorted(model["id"] for model in listed["data"])
    cards = {model["id"]: model["card"] for model in listed["data"]}
    for model in models:
        assert (model.object, model.owned_by) == ("model", "digitforge")
        assert model.created == int(datetime.fromisoformat(cards[model.id]["created_at"]).timestamp())
        assert client.models.retrieve(model.id) == model
    assert len(wish(client, model=another).data or []) == 1
    for unknown in ("0" * 16, "x" * 100, "dall-e-3"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve(unknown)
        assert (caught.value.code, caught.value.type) == ("model-not-found", "invalid_request_error")
        assert unknown in caught.value.message


@pytest.mark.parametrize(
    ("wanted", "param", "words"),
    [
        ({"size": "27x28"}, "size", "allowed: auto, or WIDTHxHEIGHT with sides from 28 to 99999"),
        ({"size": "large"}, "size", "WIDTHxHEIGHT"),
        ({"size": "\u0662\u0668x28"}, "size", "WIDTHxHEIGHT"),
        ({"n": 11}, "n", "less than or equal to 10"),
        ({"response_format": "jpeg"}, "response_format", "'b64_json'"),
        ({"output_format": "jpeg"}, "output_format", "allowed: png"),
        ({"output_format": "svg"}, "output_format", "allowed: png"),
        ({"background": "transparent"}, "background", "allowed: auto, opaque"),
        ({"stream": True}, "stream", "allowed: false"),
        ({"extra_body": {"stream": 0}}, "stream", "allowed: false"),
        ({"partial_images": 2}, "partial_images", "allowed: 0"),
        ({"partial_images": False}, "partial_images", "allowed: 0"),
        ({"output_compression": 101}, "output_compression", "less than or equal to 100"),
        ({"output_compression": False}, "output_compression", "valid integer"),
        ({"frame_count": 4}, "frame_count", "allowed: prompt, n, model"),
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
        wish(client, model="stable-diffusion")
    assert (caught.value.code, caught.value.param) == ("model-not-found", None)
    assert "stable-diffusion" in caught.value.message


def test_a_digit_that_the_model_does_not_know_is_the_prompts_fault(
    client: openai.OpenAI, shelf: Shelf, tmp_path: Path
) -> None:
    save_tiny(tmp_path / "few", classes=4)
    model = shelf.add(tmp_path / "few").model_id
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
