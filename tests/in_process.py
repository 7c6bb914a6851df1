"""The API without a process: its app is called on an event loop in a thread of the test's own process.

A debugger and a coverage tool see the routes. There is no worker, so a job stays queued until a test carries it on: see
`tests/hand_worker.py`. What is about processes, signals or training needs `tests/service.py`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from access.key_record import NewKey
from app.__main__ import Server, server_config
from app.http.services import Services
from app.main import create_app
from core.access import Limits, Scope
from core.ports import listen, port_of
from core.settings import Settings
from core.startup import open_data_dir
from tests.service import wait_until

BASE = "http://localhost:8000"


class Api(NamedTuple):
    """A running API."""

    http: httpx.Client  # calls the app itself; may be used by several threads at once
    services: Services
    app: FastAPI
    portal: BlockingPortal


@contextmanager
def served(settings: Settings) -> Iterator[Api]:
    """Run the API of these settings."""
    open_data_dir(settings)
    app = create_app(settings)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        httpx.Client(transport=_InProcess(app, portal), base_url=BASE) as http,
    ):
        yield Api(http, app.state.services, app, portal)


@contextmanager
def listening(api: Api, host: str = "127.0.0.1") -> Iterator[str]:
    """The URL of the same API on a socket, served by uvicorn as `python -m app` does."""
    (bound,) = listen(host, 0)
    config = server_config(api.app, api.services.settings)
    config.lifespan = "off"  # it lives already
    server = Server(config, asyncio.Event())
    serving = api.portal.start_task_soon(server.serve, [bound])
    wait_until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port_of(bound)}"
    finally:
        server.should_exit = True
        serving.result()


def add_key(api: Api, *scopes: Scope, name: str = "test", **limits: int) -> str:
    """The text of a new key, which the API knows when this returns. From the first one on it asks for keys.

    It needs a Redis, or a database of it, of its own: whoever else shares it would ask for keys too.
    """
    assert not api.services.settings.redis_url.endswith("/0"), "the API of other tests is there"
    new, keyring = NewKey.make(name, scopes, limits=Limits(**limits)), api.services.keyring
    keyring.store.add(new.record)
    api.portal.call(keyring.look)
    return new.text


def client_with(api: Api, key: str | None, address: str = "127.0.0.1") -> httpx.Client:
    """A client of the same API that comes with a key, or with none, from an address."""
    headers = bearer(key) if key is not None else {}
    return httpx.Client(transport=_InProcess(api.app, api.portal, address), base_url=BASE, headers=headers)


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}


class _InProcess(httpx.BaseTransport):
    """Sends requests to an ASGI app. An answer is there when it is complete, a stream's too."""

    def __init__(self, app: FastAPI, portal: BlockingPortal, address: str = "127.0.0.1") -> None:
        self._portal = portal
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._transport.handle_async_request(request)
        stream = httpx.ByteStream(await answer.aread())
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)
