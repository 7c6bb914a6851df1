"""JSON bodies: what Python's parser lets through, or ends without a word on, is refused with a reason.

JSON has one kind of number, so a whole number is an integer however it is written: 5.0 is 5.
"""

import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, not_accepted, pointer_to, shown

MAX_DEPTH = 32
MAX_DIGITS = 309  # of an integer: those of the largest double
EXACT = 2**53  # from here on, doubles are not exact


class JsonRoute(StrictRoute):
    """A route that reads its body by the rules of this module."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI's documentation has it for requests of one's own."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle_json


class _JsonRequest(Request):
    async def json(self) -> Any:
        return parse(await self.body())


@dataclass(frozen=True)
class _Unfit:
    """Stands in a parsed body for a value that cannot be taken."""

    value: Any
    detail: str


def parse(body: bytes) -> Any:
    """A body as Python values. Raises ProblemError: 400 where it is no JSON, 422 where values cannot be taken."""
    try:
        text = body.decode(json.detect_encoding(body))
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        byte, position = error.object[error.start], error.start
        raise _no_json(f"byte 0x{byte:02x} at position {position} is not {error.encoding}") from error
    except json.JSONDecodeError as error:
        raise _no_json(f"{error.msg} at position {error.pos}") from error
    except RecursionError as error:
        raise _too_deep() from error
    faults = list(_faults(value))
    if faults:
        raise not_accepted(faults)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Unfit(value, "given more than once; allowed: once") if key in found else value
    return found


def _integer(text: str) -> int | _Unfit:
    if len(text) > MAX_DIGITS:
        return _Unfit(text, f"a number of {len(text)} digits; allowed: up to {MAX_DIGITS}")
    return int(text)


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= EXACT else value


def _constant(name: str) -> Any:
    raise _no_json(f"{name} is no number of JSON")


def _faults(body: Any) -> Iterator[FieldProblem]:
    """All that is unfit in a body, however deep, as fields of it."""
    waiting = [("", body, 0)]
    while waiting:
        pointer, value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        match value:
            case _Unfit():
                yield FieldProblem(pointer=pointer, detail=value.detail, value=shown(value.value))
            case str() if _is_broken(value):
                yield _broken(pointer, value)
            case dict():
                for key, item in value.items():
                    if _is_broken(key):
                        yield _broken(pointer + pointer_to(key), key)
                    else:
                        waiting.append((pointer + pointer_to(key), item, depth + 1))
            case list():
                waiting.extend((f"{pointer}/{i}", item, depth + 1) for i, item in enumerate(value))


def _is_broken(text: str) -> bool:
    """Whether a string has half of a surrogate pair in it, which no UTF-8 can hold."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _broken(pointer: str, text: str) -> FieldProblem:
    detail = "half of a surrogate pair; allowed: whole characters"
    return FieldProblem(pointer=pointer, detail=detail, value=shown(text))


def _no_json(reason: str) -> ProblemError:
    return ProblemError(ProblemType.INVALID_JSON, f"the body is not JSON: {reason}")


def _too_deep() -> ProblemError:
    return ProblemError(ProblemType.INVALID_JSON, f"the body is nested too deep; allowed: up to {MAX_DEPTH} levels")
