"""What holds in each view: nobody is shut out, in light and in dark, on a projector and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.window import Window
from tests.service import Service, wait_until

VIEWS = ["draw?seed=1", "draw?at=1.5,2", "train", "compare", "models", "datasets", "inspect"]
KINDS = ["light", "dark"]


def show(window: Window, view: str) -> None:
    """Go to a view, and wait until it is there and its pictures are."""
    window.go(view)
    expect(window.page.locator(f"{view.partition('?')[0]}-view h1")).to_be_visible()
    wait_until(lambda: window.page.evaluate("[...document.images].every((image) => image.complete)"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [1280, 360])
def test_each_view_is_for_everybody(chromium: Browser, service: Service, width: int, kind: str) -> None:
    found = {}
    with Window.open(chromium, service.base, width=width, dark=kind == "dark") as window:
        for view in VIEWS:
            show(window, view)
            report = Axe().run(window.page)
            if report.violations_count:
                found[view] = report.generate_report()
            if window.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found[f"{view}: wider than its window"] = ""
    assert found == {}
