"""A real browser on the real service: Debian's Chromium, steered by Playwright.

Each test has a browser window of its own. Whatever it does, no request leaves the service, and nothing goes wrong in
the console: the window's fixture looks at the end.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.window import Window
from tests.service import Service

WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []  # which Chromium refuses to have for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser, service: Service) -> Iterator[Window]:
    """A window on the service that tests share. Tests leave it as they found it: what they make, they name."""
    with Window.open(chromium, service.base) as window:
        yield window


@pytest.fixture
def page(window: Window) -> Page:
    """Its page, at the first view."""
    window.go("")
    return window.page


@pytest.fixture
def own_service(tmp_path: Path) -> Service:
    """A service that a test may stop, kill and start again, or give settings of its own."""
    return Service(tmp_path)
