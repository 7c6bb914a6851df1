"""The whole page by Tab, Enter, Space and the arrow keys alone: from a training to what its model draws."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.window import Window
from tests.service import Service, wait_until

MANY = 150  # controls that a view may have

FOCUSED = """() => {
  const one = document.activeElement, label = one?.labels?.[0];
  if (!one || one.matches("body, main")) return "";
  return (one.getAttribute("aria-label") ?? label?.textContent ?? one.textContent ?? "").trim();
}"""


@pytest.fixture(autouse=True)
def tidy(service: Service) -> Iterator[None]:
    """What the training left is deleted."""
    yield
    for job in httpx.get(f"{service.base}/jobs").json()["data"]:
        url = f"{service.base}/jobs/{job['id']}"
        httpx.post(f"{url}/cancel")
        wait_until(lambda url=url: httpx.delete(url).status_code in (204, 404))


def reach(page: Page, name: str) -> None:
    """Press Tab until what is called by a pattern is focused."""
    for _ in range(MANY):
        page.keyboard.press("Tab")
        if re.search(name, page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"Tab does not lead to {name!r}")


def test_a_reader_who_is_faster_than_the_view_keeps_the_focus(window: Window) -> None:
    page, late = window.page, list[Route]()
    page.route("**/jobs?*", lambda route: late.append(route))
    window.go("train")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    data_set = page.get_by_label("Data set", exact=True)
    data_set.focus()
    for route in late:
        route.continue_()
    page.unroute("**/jobs?*")
    expect(page.get_by_role("radio", name="quality")).to_be_visible()
    expect(page).to_have_title("Train · digitforge")
    expect(data_set).to_be_focused()


def test_a_reader_without_a_mouse_trains_watches_and_draws(window: Window) -> None:
    page, keyboard = window.page, window.page.keyboard
    window.go("")
    expect(page.get_by_role("button", name="Another seed")).to_be_visible()

    reach(page, "^Train$")
    keyboard.press("Enter")
    expect(page.get_by_role("radio", name="quality")).to_be_visible()
    reach(page, "quality")
    while "smoke" not in page.evaluate(FOCUSED):
        keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile("preset=smoke"))
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    reach(page, "^Its model")
    keyboard.type("stays")  # on the shelf
    expect(page).to_have_url(re.compile("publish=never"))
    reach(page, "^Start training$")
    keyboard.press("Enter")

    expect(page).to_have_url(re.compile("#job/[0-9a-f]+$"))
    expect(page.locator("job-view .tag").get_by_text("Finished")).to_be_visible(timeout=180_000)
    reach(page, "^Epoch ")
    keyboard.press("Home")
    expect(page).to_have_url(re.compile("epoch=0"))
    keyboard.press("ArrowRight")
    expect(page.get_by_role("img", name="64 images")).to_have_attribute("data-epoch", "1")

    reach(page, "^Draw with it$")
    keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#draw.model="))
    tile = page.get_by_role("button", name="Image 0", exact=True)
    expect(tile).to_be_visible()
    reach(page, "^Image 0$")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^Image 1 of seed"))).to_be_visible()
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    reach(page, "^Plane$")
    keyboard.press("Enter")
    expect(page.get_by_role("slider", name="Point of the plane")).to_be_visible()
    reach(page, "^Point of the plane$")
    keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(r"at=\d+,0\.1"))
    expect(page.locator(".stage img").last).to_have_attribute("src", re.compile(r"at=\d+(,|%2C)0\.1"))
