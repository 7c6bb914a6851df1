"""The API's one place that wires: `uvicorn --factory app.main:create_app`."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline

from app.drawing.renderer import Renderer
from app.edge.bodies import CheckBodies
from app.edge.methods import HeadAsGet
from app.edge.origin import AllowedHosts, RefuseStrangers
from app.edge.plain_errors import PlainErrorsToProblems
from app.edge.proxies import BelieveProxies
from app.edge.queries import RefuseDoubles
from app.http import contract, health, problems
from app.http.urls import url
from app.images import inspect, openai
from app.images import routes as images
from app.jobs import events, files, train
from app.jobs import routes as jobs
from app.shelf import routes as shelf
from core.errors import DigitforgeError
from core.settings import Settings
from core.version import VERSION
from jobs.feed import EventFeed
from jobs.queue import celery_app
from jobs.store import JobStore
from models.shelf import Shelf

logger = logging.getLogger(__name__)


def create_app() -> FastAPI:
    """Build the API from the settings in the environment."""
    settings = Settings()
    app = FastAPIOffline(
        redoc_url=None,
        title="digitforge",
        version=VERSION,
        summary="Train a DCGAN on handwritten digits, and draw digits from it.",
        lifespan=_lifespan,
        responses=problems.ANY_OTHER,
    )
    app.state.settings = settings
    app.state.closing = asyncio.Event()
    for module in (images, train, jobs, events, files, inspect, openai, shelf, health):
        app.include_router(module.router)
    app.add_api_route("/", lambda: RedirectResponse(url("/docs")), include_in_schema=False, response_model=None)
    contract.describe(app)
    problems.install(app)
    _install_edge(app, settings)
    return app


def _install_edge(app: FastAPI, settings: Settings) -> None:
    """The middleware. What is added last comes first."""
    app.add_middleware(RefuseDoubles)
    app.add_middleware(CheckBodies, limit=settings.max_body_bytes)
    app.add_middleware(HeadAsGet)
    hosts = AllowedHosts([settings.host, *settings.hosts])
    app.add_middleware(RefuseStrangers, hosts=hosts)
    app.add_middleware(BelieveProxies, proxies=settings.proxies, root=settings.root_path, hosts=hosts)
    app.add_middleware(PlainErrorsToProblems)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the routes use, and warm the active model up before the first request."""
    settings: Settings = app.state.settings
    app.state.store = JobStore.of(settings)
    app.state.feed = EventFeed(settings.redis_url)
    app.state.queue = celery_app(settings.redis_url)
    app.state.shelf = Shelf(settings.shelf_dir)
    app.state.renderer = Renderer(
        app.state.shelf, settings.datasets_dir, settings.draw_threads, settings.models_mb * 1_000_000
    )
    try:
        await app.state.renderer.warm_up(app.state.shelf.active())
    except (DigitforgeError, OSError) as error:
        logger.error("no images can be drawn: %s", error)
    gc.collect()
    gc.freeze()  # what is there now stays, and walking through it would hold all requests up for a tenth of a second
    yield
    app.state.renderer.close()
    await app.state.feed.close()
