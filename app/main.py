"""The API's one place that wires: routes, middleware, error handlers and what is behind them."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp

from app.datasets import download, importing, pictures
from app.datasets import routes as datasets
from app.drawing.scheduler import Overloaded
from app.edge.access_log import LogRequests
from app.edge.bodies import CheckBodies
from app.edge.cors import ShareWithOrigins
from app.edge.envelope import Envelope
from app.edge.headers import AllowOwnScripts, for_browsers
from app.edge.methods import HeadAsGet
from app.edge.origin import AllowedHosts, RefuseStrangers
from app.edge.plain_errors import PlainErrorsToProblems
from app.edge.proxies import BelieveProxies
from app.edge.queries import RefuseDoubles
from app.edge.ranges import IgnoreOtherUnits
from app.http import contract, handlers, health, problems
from app.http.services import Services
from app.images import directions, inspect, neighbours, openai
from app.images import routes as images
from app.jobs import all_events, estimates, events, files, presets, reports, timelapse, train, workers
from app.jobs import routes as jobs
from app.keys import routes as keys
from app.metrics import routes as metrics
from app.metrics.meters import Meters
from app.page import routes as page
from app.session import routes as session
from app.shared import Shared
from app.shelf import routes as shelf
from app.uploads import routes as uploads
from app.usage import routes as usage
from app.webhooks import deliveries, messages
from app.webhooks import routes as webhooks
from core.errors import DigitforgeError
from core.settings import Settings
from core.version import VERSION

logger = logging.getLogger(__name__)


def create_app(settings: Settings, closing: asyncio.Event | None = None, shared: Shared | None = None) -> FastAPI:
    """Build the API. It opens its services when its lifespan begins.

    Set `closing` to end event streams, which would hold up a server that waits for its answers. `shared` is what this
    process counts together with those beside it.
    """
    shared = shared or Shared.of(settings)
    app = FastAPIOffline(
        redoc_url=None,
        title="digitforge",
        version=VERSION,
        summary="Train a DCGAN on handwritten digits or your own images, and draw from it.",
        lifespan=_lifespan(settings, closing or asyncio.Event(), shared),
        responses=problems.ANY_OTHER,
    )
    of_jobs = (train, presets, estimates, jobs, all_events, events, files, timelapse, reports)
    of_datasets = (datasets, importing, pictures, download, uploads)
    of_operators = (session, keys, usage, webhooks, deliveries, workers, health)
    for module in (page, images, neighbours, *of_jobs, *of_datasets, inspect, openai, directions, shelf, *of_operators):
        app.include_router(module.router)
    if settings.metrics:
        app.include_router(metrics.router)
    messages.describe(app)
    contract.describe(app)
    handlers.install(app)
    app.state.shared = shared
    _install_edge(app, settings, shared.meters)
    return app


def _install_edge(app: FastAPI, settings: Settings, meters: Meters) -> None:
    """The middleware. What is added last comes first."""
    app.add_middleware(RefuseDoubles)
    app.add_middleware(AllowOwnScripts)
    app.add_middleware(
        CheckBodies,
        limit=settings.max_body_bytes,
        upload_limit=settings.max_upload_bytes,
        silence_s=settings.body_timeout_s,
    )
    app.add_middleware(HeadAsGet)
    app.add_middleware(IgnoreOtherUnits)
    hosts = AllowedHosts([settings.host, *settings.hosts])
    app.add_middleware(RefuseStrangers, hosts=hosts, origins=settings.cors_origins)
    app.add_middleware(BelieveProxies, proxies=settings.proxies, root=settings.root_path, hosts=hosts)
    app.add_middleware(PlainErrorsToProblems)
    build = app.build_middleware_stack

    def build_with_edge() -> ASGIApp:
        """Around Starlette's answer to a crash too, which is outside of all middleware that is added to it."""
        stack = ShareWithOrigins(build(), settings.cors_origins) if settings.cors_origins else build()
        if settings.access_log:
            stack = LogRequests(stack)
        return Envelope(stack, for_browsers(settings.cors_origins), meters if settings.metrics else None)

    app.build_middleware_stack = build_with_edge  # type: ignore[method-assign]


def _lifespan(
    settings: Settings, closing: asyncio.Event, shared: Shared
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Open the services, and warm the active model up before the first request."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = app.state.services = Services.open(settings, closing, shared)
        await services.keyring.look()
        watching = asyncio.create_task(services.keyring.watch())
        if services.store_watch:
            services.store_watch.start()
        if services.places.follower:
            await asyncio.to_thread(services.places.follower.look)
            services.places.follower.start()
        try:
            await services.renderer.warm_up(services.shelf.active())
        except (DigitforgeError, OSError, Overloaded) as error:
            logger.error("no images can be drawn: %s", error)
        gc.collect()
        gc.freeze()  # what is there now stays; walking through it would hold all requests up for a tenth of a second
        yield
        watching.cancel()
        if services.places.follower:
            services.places.follower.stop()
        await services.close()

    return lifespan
