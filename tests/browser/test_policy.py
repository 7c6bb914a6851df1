"""What the page's policy lets run, and the page behind a proxy that serves it below a path."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.edge.headers import HOME_POLICY
from app.page.files import FOLDER, PageFiles
from tests.browser.window import Window
from tests.reverse_proxy import reverse_proxy
from tests.service import Service, wait_until

VIEWS = ["draw?seed=1", "draw?at=1.5,2", "train", "compare", "models", "datasets", "inspect"]
LISTEN = """window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""
INJECTED = {
    "script": "const one = document.createElement('script'); one.textContent = 'window.ran = true'",
    "style": "const one = document.createElement('style'); one.textContent = 'body { color: rgb(1, 2, 3) }'",
    "handler": "const one = document.createElement('p'); one.setAttribute('onclick', 'window.ran = true')",
    "attribute": "const one = document.createElement('p'); one.setAttribute('style', 'color: rgb(1, 2, 3)')",
    "image": "const one = document.createElement('img'); one.src = 'http://192.0.2.1/spy.png'",
    "frame": "const one = document.createElement('iframe'); one.src = 'http://192.0.2.1/'",
    "object": "const one = document.createElement('object'); one.data = 'http://192.0.2.1/'",
    "base": "const one = document.createElement('base'); one.href = 'http://192.0.2.1/'",
}


def violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate("violations")
    return found


def test_no_view_needs_what_the_policy_forbids(window: Window) -> None:
    window.page.add_init_script(LISTEN)
    for view in VIEWS:
        window.go(view)
        window.page.reload()
        window.page.wait_for_load_state("networkidle")
        assert violations(window.page) == [], view


@pytest.mark.parametrize("what", INJECTED)
def test_what_somebody_puts_into_the_page_does_not_run(window: Window, what: str) -> None:
    window.expected = ("Content Security Policy", "violates the following")
    page = window.page
    page.add_init_script(LISTEN)
    window.go("inspect")
    page.evaluate(f"{{ {INJECTED[what]}; document.body.append(one); one.click() }}")
    wait_until(lambda: page.evaluate("violations.length > 0"))
    window.foreign.clear()  # a request that the policy stops is told of too
    assert not page.evaluate("window.ran")
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(1, 2, 3)"
    assert page.evaluate("new URL('x', document.baseURI).host") == httpx.URL(window.base).netloc.decode()


def test_the_page_and_its_files_say_what_a_browser_may_do(service: Service) -> None:
    index = httpx.get(f"{service.base}/")
    assert index.headers["content-security-policy"] == HOME_POLICY.decode()
    digest = PageFiles.read(FOLDER).digest
    for name in ("app.js", "icon.svg", "style/base.css", "nothing.js"):
        headers = httpx.get(f"{service.base}/ui/{digest}/{name}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cross-origin-resource-policy"] == "same-site"


@contextmanager
def below(service: Service, prefix: str) -> Iterator[str]:
    with reverse_proxy(service.base, prefix, Prefix=prefix) as proxy:
        yield proxy


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[str]:
    with Service(tmp_path, proxies="127.0.0.1") as service, below(service, "/digits") as base:
        yield base


def requests_of(window: Window) -> list[str]:
    """The URLs that the page asks for from now on."""
    urls = list[str]()
    window.context.on("request", lambda request: urls.append(request.url))
    return urls


def test_the_page_works_below_a_path_with_a_slash_and_without(chromium: Browser, proxied: str) -> None:
    for path in ("/digits/", "/digits"):
        with Window.open(chromium, proxied) as window:
            page, asked = window.page, requests_of(window)
            page.goto(f"{proxied}{path}#models")
            expect(page.get_by_role("link", name="Models")).to_have_attribute("aria-current", "page")
            page.get_by_role("link", name="Draw", exact=True).click()
            expect(page.get_by_role("link", name="Draw", exact=True)).to_have_attribute("aria-current", "page")
            page.wait_for_load_state("networkidle")
            assert [url for url in asked if not url.startswith((f"{proxied}/digits", "blob:", "data:"))] == []
            page.get_by_role("link", name="API documentation").click()
            expect(page).to_have_url(f"{proxied}/digits/docs")
