"""The wire format of OpenAI's API, as far as it is spoken here.

What its clients send by themselves is taken: a null is as if it were left out. What would change nothing here is
ignored, and what cannot be done is refused.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from core.recipe import Seed

MAX_SCALE = 8
_SIDE = "[1-9][0-9]{0,4}"  # 1 to 99999; the model's shape says from where on
_GPT_IMAGE = re.compile("(chatgpt|gpt)-image(-.*)?")
_DALL_E = re.compile("dall-e(-.*)?")


def _or_say(allowed: str) -> WrapValidator:
    """Put what is allowed into words of our own. Nothing of another type will do: 0 is not false."""

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        refused = PydanticCustomError("not_possible", "allowed: {allowed}", {"allowed": allowed})
        try:
            taken = handler(value)
        except ValidationError as error:
            raise refused from error
        if type(taken) is not type(value):
            raise refused
        return taken

    return WrapValidator(validate)


def _to_openapi(schema: dict[str, Any]) -> None:
    """Each field but those that are required may be null, as in OpenAI's own schema."""
    schema["examples"] = [{"prompt": "a 7 and a 3", "n": 2}]
    for name, field in schema["properties"].items():
        if name not in schema["required"] and "anyOf" not in field:
            notes = {key: field.pop(key) for key in ("title", "description", "default") if key in field}
            schema["properties"][name] = {"anyOf": [field, {"type": "null"}], **notes}


Ignored = Annotated[str | None, Field(description="Ignored: it changes nothing here.")]
Size = Annotated[
    str,
    StringConstraints(pattern=f"^(auto|{_SIDE}x{_SIDE})$"),
    _or_say("auto, or WIDTHxHEIGHT with sides to 99999"),
]


class OpenAIImagesRequest(BaseModel):
    """Images as OpenAI's API takes a wish for them, and the seed, which it does not know."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_to_openapi)

    prompt: str = Field(
        max_length=32_000,
        description="The digits in it, or the names of classes, are drawn in their order, again from the first; "
        "without any, all.",
    )
    n: int = Field(1, ge=1, le=10, strict=True, description="How many images.")
    model: str | None = Field(
        None,
        max_length=64,
        description="A model's id, or a data set's name for its active model; without one, or with a name of OpenAI's "
        "image models, it is the active model.",
    )
    size: Size = Field(
        "auto",
        description="A model draws images of one size, such as 28x28, which is `auto`, and each pixel may be repeated "
        "up to 8 times in both directions: the answer is the largest of 28x28, 56x56, ... 224x224 that fits.",
    )
    response_format: Literal["url", "b64_json"] | None = Field(
        None,
        description="Where the PNG is, or the PNG in base64. Without it `url`; `b64_json` for the names of OpenAI's "
        "GPT image models, which know nothing else.",
    )
    seed: Seed | None = Field(None, strict=True, description="The same seed gives the same images.")
    background: Annotated[Literal["auto", "opaque"], _or_say("auto, opaque")] = Field(
        "auto", description="Images are opaque."
    )
    output_format: Annotated[Literal["png"], _or_say("png; /generate draws other formats")] = "png"
    stream: Annotated[Literal[False], _or_say("false; images come as a whole")] = False
    partial_images: Annotated[Literal[0], _or_say("0; images come as a whole")] = 0
    output_compression: Annotated[int, Field(ge=0, le=100, strict=True)] | None = Field(None, description="Ignored.")
    quality: Ignored = None
    style: Ignored = None
    complexity: Ignored = None
    moderation: Ignored = None
    user: Ignored = None
    safety_identifier: Ignored = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None}

    @property
    def model_id(self) -> str | None:
        """The model of this server that is asked for, or the data set; None for the active one."""
        return None if self._names_openai(_GPT_IMAGE, _DALL_E) else self.model

    def scale(self, side: int) -> int:
        """How often each pixel of images of `side` pixels a side is repeated: as often as fits the size, 0 to 8."""
        if self.size == "auto":
            return 1
        return min(min(map(int, self.size.split("x"))) // side, MAX_SCALE)

    @property
    def wants_url(self) -> bool:
        """Whether it is to be told where the images are, instead of getting them."""
        return (self.response_format or ("b64_json" if self._names_openai(_GPT_IMAGE) else "url")) == "url"

    def _names_openai(self, *names: re.Pattern[str]) -> bool:
        return self.model is not None and any(name.fullmatch(self.model) for name in names)


class GeneratedImage(BaseModel):
    """One of them has a value, as `response_format` says."""

    url: str | None = None
    b64_json: str | None = None


class GeneratedImages(BaseModel):
    """Images as OpenAI's API answers them, and what draws them again."""

    created: int = Field(description="Seconds since 1970.")
    data: list[GeneratedImage]
    size: str = Field(description="Of each image: the largest that fits what was asked for.")
    output_format: Literal["png"] = "png"
    background: Literal["opaque"] = "opaque"
    model: str
    seed: int


class OpenAIModel(BaseModel):
    """A model on the shelf as OpenAI's API has models."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="Seconds since 1970.")
    owned_by: Literal["digitforge"] = "digitforge"

    @classmethod
    def of(cls, created_at: datetime, model_id: str) -> Self:
        """Translate what the shelf says of it."""
        return cls(id=model_id, created=int(created_at.timestamp()))


class OpenAIModelList(BaseModel):
    """The shelf, the active model first, then the newest, and the names of data sets that have an active model."""

    object: Literal["list"] = "list"
    data: list[OpenAIModel]
