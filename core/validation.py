"""Pydantic's errors in the words of this project: the field, its value, and what is allowed. And text for JSON."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import ErrorDetails


def legible(text: str) -> str:
    """A text as UTF-8 can hold it: bytes of a file name that are no text are escaped."""
    return text.encode(errors="backslashreplace").decode()


Legible = Annotated[str, AfterValidator(legible)]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input."""

    path: tuple[str | int, ...]  # from the root of the input to the field
    detail: str
    value: Any

    @property
    def field(self) -> str:
        """The path as a person writes it: `epochs`."""
        return ".".join(str(part) for part in self.path) or "input"


def unknown_field(known: list[str]) -> str:
    """What to say of a field that is none of the known ones."""
    return f"unknown field; allowed: {', '.join(known) or 'none'}"


def explain(error: ErrorDetails, known_fields: list[str]) -> Fault:
    """Put one pydantic error into words that name what is allowed."""
    path, detail, value = tuple(error["loc"]), error["msg"], error["input"]
    context = error.get("ctx", {})
    if "field" in context:  # a rule over several fields names the one to change
        path, value = (*path, context["field"]), context[context["field"]]
    match error["type"]:
        case "extra_forbidden":
            detail = unknown_field(known_fields)
        case "value_error":  # raised by a check of our own, without pydantic's "Value error, " before it
            detail = str(context["error"])
        case "missing":
            detail = "required, but missing"
            value = None
    return Fault(path, detail, value)
