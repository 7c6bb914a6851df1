"""What routes ask for, named once."""

import asyncio
from typing import Annotated, Any

from celery import Celery
from fastapi import Depends, Request

from app.drawing.renderer import Renderer
from app.http.problems import ProblemError
from core.settings import Settings
from jobs.feed import EventFeed
from jobs.store import JobStore
from models.shelf import Shelf


async def _settings(request: Request) -> Settings:
    return request.app.state.settings  # type: ignore[no-any-return]


async def _store(request: Request) -> JobStore:
    return request.app.state.store  # type: ignore[no-any-return]


async def _queue(request: Request) -> Celery:
    return request.app.state.queue


async def _shelf(request: Request) -> Shelf:
    return request.app.state.shelf  # type: ignore[no-any-return]


async def _feed(request: Request) -> EventFeed:
    return request.app.state.feed  # type: ignore[no-any-return]


async def _closing(request: Request) -> asyncio.Event:
    return request.app.state.closing  # type: ignore[no-any-return]


async def _renderer(request: Request) -> Renderer:
    return request.app.state.renderer  # type: ignore[no-any-return]


async def _if_none_match(request: Request) -> list[str]:
    """Not a parameter, which costs FastAPI several times as long; `app/http/contract.py` documents it."""
    return request.headers.getlist("if-none-match")


async def require_json(request: Request) -> None:
    """Refuse a body that does not say that it is JSON. No body at all is fine."""
    if _content_type(request) != "application/json" and await request.body():
        raise _refused_type(request, "application/json")


async def require_png(request: Request) -> None:
    """Refuse a request that does not say that its body is a PNG."""
    if _content_type(request) != "image/png":
        raise _refused_type(request, "image/png")


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refused_type(request: Request, allowed: str) -> ProblemError:
    detail = f"the body's Content-Type is {_content_type(request) or 'not given'}; allowed: {allowed}"
    return ProblemError(415, "unsupported-media-type", detail)


SettingsDep = Annotated[Settings, Depends(_settings)]
StoreDep = Annotated[JobStore, Depends(_store)]
FeedDep = Annotated[EventFeed, Depends(_feed)]
ClosingDep = Annotated[asyncio.Event, Depends(_closing)]
QueueDep = Annotated[Celery, Depends(_queue)]
ShelfDep = Annotated[Shelf, Depends(_shelf)]
RendererDep = Annotated[Renderer, Depends(_renderer)]

# What a route with an ETag takes and may answer.
IfNoneMatch = Annotated[list[str], Depends(_if_none_match)]
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already."}}
