"""What the routes work with: opened once when the API starts, closed when it ends."""

import asyncio
import os
from dataclasses import dataclass
from typing import Self

from anyio import CapacityLimiter
from celery import Celery

from access.allowances import Allowances
from access.guesses import Guesses
from access.keyring import Keyring
from app.drawing.picture_memory import PictureMemory
from app.drawing.renderer import Renderer
from app.http.turns import Turns
from app.images.training_sets import TrainingSets
from app.metrics.meters import Gauge, Meters
from app.shared import Shared
from app.shelf.looking import Looker
from app.slots import Slots
from core.dataset_shelf import DatasetShelf
from core.settings import Settings
from core.uploads import Uploads
from jobs.feed import EventFeed
from jobs.queue import celery_app
from jobs.redis_client import connect
from jobs.store import JobStore
from jobs.workers import Workers
from models.shelf import Shelf
from objects.watch import StoreWatch
from sharing.places import Places
from sharing.runs import Runs
from webhooks.store import WebhookStore

MB = 1_000_000
RESOLVERS = 2  # at once in a process: a name server may hold each up for half a minute


@dataclass(frozen=True)
class Services:
    """Everything behind the routes. One instance per API, on `app.state.services`."""

    settings: Settings
    store: JobStore
    feed: EventFeed
    workers: Workers
    queue: Celery
    places: Places
    store_watch: StoreWatch | None
    shelf: Shelf
    looker: Looker
    datasets: DatasetShelf
    uploads: Uploads
    runs: Runs
    renderer: Renderer
    pictures: PictureMemory
    keyring: Keyring
    allowances: Allowances
    guesses: Guesses
    meters: Meters
    webhooks: WebhookStore
    resolvers: CapacityLimiter  # of threads that resolve the hosts of webhooks
    streams: Slots  # held by event streams and long polls
    connections: Slots
    animations: Turns
    searches: Turns  # for neighbours; one at a time takes no more memory than one
    training_sets: TrainingSets
    closing: asyncio.Event  # set once the server is to end, so that endless answers end too

    @classmethod
    def open(cls, settings: Settings, closing: asyncio.Event, shared: Shared) -> Self:
        """Open them on the running event loop. Connects to nothing yet."""
        places = Places.of(settings)
        watch = StoreWatch(places.store, settings.store_url or "") if places.store else None
        shared.meters.set(Gauge.PID, os.getpid())
        return cls(
            settings=settings,
            store=JobStore.of(settings),
            feed=EventFeed(settings.redis_url, settings.max_streams),
            workers=Workers(connect(settings.redis_url)),
            queue=celery_app(settings.redis_url),
            places=places,
            store_watch=watch,
            shelf=places.shelf,
            looker=Looker(places.shelf, lambda: watch.is_up if watch else None),
            datasets=places.datasets,
            uploads=places.uploads,
            runs=places.runs,
            renderer=Renderer(
                places.shelf,
                settings.datasets_dir,
                settings.imported_dir,
                settings.models_mb * MB,
                shared.waiting,
                shared.meters,
                settings.draw_timeout_s,
            ),
            pictures=PictureMemory(settings.cache_mb * MB, shared.meters),
            keyring=Keyring.of(settings),
            allowances=Allowances(settings.limits, shared.buckets.callers, connect(settings.redis_url)),
            guesses=Guesses(shared.buckets.addresses),
            meters=shared.meters,
            webhooks=WebhookStore.of(settings),
            resolvers=CapacityLimiter(RESOLVERS),
            streams=shared.streams,
            connections=shared.connections,
            animations=Turns("animations", at_once=2, most_waiting=16, soon_s=10),
            searches=Turns("searches for neighbours", at_once=1, most_waiting=64, soon_s=2),
            training_sets=TrainingSets(places.datasets, settings.datasets_dir),
            closing=closing,
        )

    @property
    def store_is_up(self) -> bool | None:
        """Whether the object store answers; None where there is none."""
        return self.store_watch.is_up if self.store_watch else None

    async def close(self) -> None:
        """Stop drawing and close the connections."""
        self.renderer.close()
        if self.store_watch:
            self.store_watch.stop()
        await self.feed.close()
        self.queue.close()
        self.keyring.close()
        await asyncio.to_thread(self.allowances.close)
