"""What routes ask for, named once."""

from typing import Annotated, Any

from fastapi import Depends, Request

from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from app.http.services import Services

MERGE_PATCH = "application/merge-patch+json"


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _if_none_match(request: Request) -> list[str]:
    """Not a parameter, which costs FastAPI several times as long; `app/http/contract.py` documents it."""
    return request.headers.getlist("if-none-match")


async def require_json(request: Request) -> None:
    """Refuse a body that does not say that it is JSON. No body at all is fine."""
    if content_type(request) != "application/json" and await request.body():
        raise _refused_type(request, "application/json")


async def require_merge_patch(request: Request) -> None:
    """Refuse a body that does not say that it is a merge patch, or JSON."""
    if content_type(request) not in (MERGE_PATCH, "application/json"):
        raise _refused_type(request, f"{MERGE_PATCH}, application/json")


async def require_png(request: Request) -> None:
    """Refuse a request that does not say that its body is a PNG."""
    if content_type(request) != "image/png":
        raise _refused_type(request, "image/png")


def content_type(request: Request) -> str:
    """The media type that a request gives its body, in lower case and without parameters; empty for none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refused_type(request: Request, allowed: str) -> ProblemError:
    detail = f"the body's Content-Type is {content_type(request) or 'not given'}; allowed: {allowed}"
    return ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)


# What a route with an ETag takes and may answer.
IfNoneMatch = Annotated[list[str], Depends(_if_none_match)]
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already."}}
