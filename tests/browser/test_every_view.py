"""What holds in each view: nobody is shut out, in light and in dark, on a projector and on a phone."""

import io
import zipfile

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.window import Window
from tests.service import Service, wait_until

VIEWS = ["draw?seed=1", "draw?at=1.5,2", "train", "compare", "models", "datasets", "inspect"]
KINDS = ["light", "dark"]


PICTURES_ARE_THERE = "[...document.images].every((image) => image.complete || image.loading === 'lazy')"


def show(window: Window, view: str) -> None:
    """Go to a view, and wait until it is there and its pictures are."""
    window.go(view)
    expect(window.page.locator(f"{view.partition('?')[0]}-view h1")).to_be_visible()
    wait_until(lambda: window.page.evaluate(PICTURES_ARE_THERE))


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


def test_words_without_an_end_stay_within_a_phone(chromium: Browser, service: Service) -> None:
    with httpx.Client(base_url=service.base) as http:
        (model, *_) = http.get("/models").json()["data"]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a/b.png", b"not an image")
        zipped = {"content-type": "application/zip"}
        job = http.post("/datasets", params={"name": "w" * 64}, content=packed.getvalue(), headers=zipped).json()["id"]
        http.patch(f"/models/{model['id']}", json={"note": "n" * 900, "labels": {"k" * 63: "v" * 63}})
        with Window.open(chromium, service.base, width=360) as window:
            for view in ("models", "train"):
                show(window, view)
                expect(window.page.get_by_text("nnnn" if view == "models" else "wwww").first).to_be_visible()
                assert not window.page.evaluate("document.documentElement.scrollWidth > innerWidth"), view
        http.patch(f"/models/{model['id']}", json={"note": model["note"], "labels": {"k" * 63: None}})
        wait_until(lambda: http.get(f"/jobs/{job}").json()["finished_at"])
        http.delete(f"/jobs/{job}")
