"""A browser window that watches what its page does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

LOCAL = ("blob:", "data:")


@dataclass
class Window:
    """A page of its own cookies and storage, and what went wrong in it."""

    base: str
    context: BrowserContext
    page: Page
    foreign: list[str] = field(default_factory=list)  # requests to somewhere else
    errors: list[str] = field(default_factory=list)  # of the console, and exceptions that nothing caught
    expected: tuple[str, ...] = ()  # parts of errors that a test brings about

    @classmethod
    @contextmanager
    def open(cls, browser: Browser, base: str, *, width: int = 1280, dark: bool = False) -> Iterator[Self]:
        """Open one. At the end, AssertionError for a request to somewhere else and for an error of the console."""
        with browser.new_context(
            base_url=base,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        ) as context:
            window = cls(base, context, context.new_page())
            context.on("request", window._note_request)
            context.on("console", window._note_console)
            context.on("weberror", lambda error: window.errors.append(str(error.error)))
            yield window
        assert window.foreign == []
        unexpected = [one for one in window.errors if not any(part in one for part in window.expected)]
        assert not unexpected, unexpected

    def go(self, fragment: str) -> None:
        """Open a view, such as `draw?seed=3`."""
        self.page.goto(f"{self.base}/#{fragment}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.base, *LOCAL)):
            self.foreign.append(request.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} ({message.location.get('url')})")
