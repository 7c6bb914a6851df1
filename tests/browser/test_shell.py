"""The page around its views: served as it is in `page/`, under a digest."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from app.page.files import FOLDER
from tests.browser.window import Window
from tests.service import Service

MOST_BYTES = 120_000  # of a view and all that it needs, as it is served
VIEWS = ["Draw", "Train", "Compare", "Models", "Data sets", "Inspect"]


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_a_link_and_marked(page: Page, view: str) -> None:
    link = page.get_by_role("navigation", name="Views").get_by_role("link", name=view, exact=True)
    link.click()
    expect(link).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("navigation", name="Views").locator("[aria-current]")).to_have_count(1)


@pytest.mark.parametrize("view", ["nothing", "constructor", "__proto__"])
def test_an_unknown_view_says_so(window: Window, view: str) -> None:
    window.go(view)
    expect(window.page.get_by_text("There is no such view.")).to_be_visible()


def test_what_is_served_is_what_is_in_the_tree(service: Service) -> None:
    index = httpx.get(f"{service.base}/").text
    names = re.findall(r'"/ui/[0-9a-f]{16}/([^"]+)"', index)
    assert "app.js" in names
    assert re.sub(r'"/ui/[0-9a-f]{16}/', '"ui/', index) == (FOLDER / "index.html").read_text(encoding="utf-8")
    (digest,) = set(re.findall(r'"/ui/([0-9a-f]{16})/', index))
    for path in FOLDER.rglob("*.*"):
        name = path.relative_to(FOLDER).as_posix()
        if name != "index.html":
            answer = httpx.get(f"{service.base}/ui/{digest}/{name}")
            assert answer.content == path.read_bytes()
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("view", ["draw", "train", "compare", "models", "datasets", "inspect"])
def test_what_opening_a_view_loads_is_small(window: Window, view: str) -> None:
    window.go(view)
    expect(window.page.get_by_role("heading", level=1)).to_be_visible()
    window.page.wait_for_load_state("networkidle")
    sizes = window.page.evaluate(
        """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .filter((entry) => entry.entryType === "navigation" || entry.name.includes("/ui/"))
        .map((entry) => entry.decodedBodySize)"""
    )
    assert 0 < sum(sizes) < MOST_BYTES


def test_a_view_whose_files_are_of_another_version_says_so(window: Window) -> None:
    page, window.expected = window.page, ("404", "dynamically imported module")
    window.go("draw")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.route("**/views/models.js", lambda route: route.continue_(url=f"{window.base}/ui/{'0' * 16}/views/models.js"))
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("a new version was installed")
    page.unroute_all()
    page.get_by_role("button", name="Load the page again").click()
    expect(page.get_by_role("heading", level=1, name="Models")).to_be_visible()
    expect(page.get_by_text("a new version was installed")).to_have_count(0)


def test_a_view_that_failed_does_not_stand_in_the_way_of_the_next(window: Window) -> None:
    page = window.page
    window.expected = ("/jobs/abcdef0123456789",)  # 404: nothing is there
    window.go("train?from=abcdef0123456789")
    expect(page.get_by_role("alert")).to_have_text("no job 'abcdef0123456789'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Start training")).to_be_visible()


def test_a_job_without_a_name_is_none(window: Window) -> None:
    window.expected = ("/jobs/-",)  # 404
    window.go("job/")
    expect(window.page.get_by_role("alert")).to_have_text("no job '-'")


def test_a_view_that_failed_can_be_tried_again(window: Window) -> None:
    page = window.page
    window.expected = ("net::ERR_FAILED",)
    page.route("**/models?*", lambda route: route.abort())
    window.go("models")
    expect(page.get_by_role("alert")).to_have_text("The service does not answer.")
    page.unroute("**/models?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("article")).not_to_have_count(0)
