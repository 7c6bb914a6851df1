"""Errors in the shape of OpenAI's API."""

from pydantic import BaseModel, Field


class OpenAIErrorBody(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str = Field(description="The type of the problem, or what OpenAI calls it.")


class OpenAIError(BaseModel):
    """An error in OpenAI's shape."""

    error: OpenAIErrorBody
