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
from access.shared_buckets import Buckets
from app.drawing.picture_memory import PictureMemory
from app.drawing.renderer import Renderer
from app.drawing.shared_counts import SharedCounts
from app.metrics.meters import Gauge, Meters
from core.dataset_shelf import DatasetShelf
from core.settings import Settings
from core.uploads import Uploads
from jobs.feed import EventFeed
from jobs.queue import celery_app
from jobs.redis_client import connect
from jobs.store import JobStore
from jobs.workers import Workers
from models.shelf import Shelf
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
    shelf: Shelf
    datasets: DatasetShelf
    uploads: Uploads
    renderer: Renderer
    pictures: PictureMemory
    keyring: Keyring
    allowances: Allowances
    guesses: Guesses
    meters: Meters
    webhooks: WebhookStore
    resolvers: CapacityLimiter  # of threads that resolve the hosts of webhooks
    closing: asyncio.Event  # set once the server is to end, so that endless answers end too

    @classmethod
    def open(
        cls, settings: Settings, closing: asyncio.Event, waiting: SharedCounts, meters: Meters, buckets: Buckets
    ) -> Self:
        """Open them on the running event loop. Connects to nothing yet."""
        shelf = Shelf(settings.shelf_dir)
        meters.set(Gauge.PID, os.getpid())
        return cls(
            settings=settings,
            store=JobStore.of(settings),
            feed=EventFeed(settings.redis_url),
            workers=Workers(connect(settings.redis_url)),
            queue=celery_app(settings.redis_url),
            shelf=shelf,
            datasets=DatasetShelf(settings.imported_dir),
            uploads=Uploads(settings.uploads_dir, settings.max_all_uploads_bytes),
            renderer=Renderer(
                shelf, settings.datasets_dir, settings.imported_dir, settings.models_mb * MB, waiting, meters
            ),
            pictures=PictureMemory(settings.cache_mb * MB, meters),
            keyring=Keyring.of(settings),
            allowances=Allowances(settings.limits, buckets.callers, connect(settings.redis_url)),
            guesses=Guesses(buckets.addresses),
            meters=meters,
            webhooks=WebhookStore.of(settings),
            resolvers=CapacityLimiter(RESOLVERS),
            closing=closing,
        )

    async def close(self) -> None:
        """Stop drawing and close the connections."""
        self.renderer.close()
        await self.feed.close()
        self.queue.close()
        self.keyring.store.close()
        await asyncio.to_thread(self.allowances.close)
