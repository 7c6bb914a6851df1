"""A training on the page: as it goes on, and through time."""

import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.window import Window
from tests.service import Service, wait_until

EPOCHS = 5


@pytest.fixture(scope="module")
def trained(service: Service) -> Iterator[str]:
    """A short training with two classes that no image is of, which it is warned of."""
    body = {"preset": "smoke", "epochs": EPOCHS, "num_images": 256, "classes": 12, "publish": "never"}
    url = f"{service.base}/jobs/{httpx.post(f'{service.base}/train', json=body).json()['id']}"
    wait_until(lambda: httpx.get(url).json()["status"] == "succeeded", timeout_s=60)
    yield url.rsplit("/", 1)[1]
    httpx.delete(url)


def expect_epoch(page: Page, epoch: int) -> None:
    expect(page.get_by_role("img", name="64 images")).to_have_attribute("data-epoch", str(epoch))


def test_time_is_slid_through_by_keys_and_kept_in_the_link(window: Window, trained: str) -> None:
    window.go(f"job/{trained}?epoch=2")
    page = window.page
    expect_epoch(page, 2)
    page.keyboard.press("ArrowRight")
    expect_epoch(page, 3)
    expect(page).to_have_url(re.compile("epoch=3$"))
    page.get_by_role("slider").press("ArrowLeft")
    expect_epoch(page, 2)
    page.reload()
    expect_epoch(page, 2)
    page.get_by_role("button", name="Play").click()
    expect_epoch(page, EPOCHS)
    page.get_by_role("button", name="Newest").click()
    expect(page).not_to_have_url(re.compile("epoch="))


def test_a_tile_is_seen_through_all_epochs(window: Window, trained: str) -> None:
    window.go(f"job/{trained}")
    page = window.page
    grid = page.get_by_role("img", name="64 images")
    expect_epoch(page, EPOCHS)
    side = grid.evaluate("grid => grid.clientWidth / 8")
    grid.click(position={"x": 1.5 * side, "y": 2.5 * side})
    expect(page.get_by_label("Tile", exact=True)).to_have_value("17")
    through = page.get_by_role("link", name="Tile 17 after epoch")
    expect(through).to_have_count(EPOCHS + 1)
    through.nth(1).click()
    expect(page).to_have_url(re.compile("epoch=1&tile=17$"))
    expect(page.get_by_role("img", name="Tile 17 after epoch 1")).to_be_visible()
    expect(through.nth(1)).to_have_attribute("aria-current", "true")


def test_curves_are_numbers_too_and_follow_the_slider(window: Window, trained: str) -> None:
    window.go(f"job/{trained}?epoch=2")
    chart = window.page.get_by_role("figure").filter(has_text="Losses")
    chart.get_by_text("Numbers").click()
    expect(chart.get_by_role("row")).to_have_count(EPOCHS + 1)
    numbers = chart.get_by_role("row").nth(2).get_by_role("cell").all_inner_texts()
    expect(chart.get_by_role("listitem")).to_have_text([f"D {numbers[0]}", f"G {numbers[1]}"])


@pytest.mark.parametrize("view", ["job/{0}", "compare?a={0}@1&b={0}@2"])
def test_the_words_of_a_chart_lie_side_by_side_and_within_it(window: Window, trained: str, view: str) -> None:
    window.go(view.format(trained))
    expect(window.page.locator(".chart:visible svg text").first).to_be_visible()
    crossed = window.page.evaluate(
        """[...document.querySelectorAll(".chart svg")].flatMap((svg) => {
          const box = (one) => one.getBoundingClientRect();
          const words = [...svg.querySelectorAll("text")];
          const out = words.filter((one) => box(one).left < box(svg).left || box(one).top < box(svg).top);
          const on = words.filter((one, k) => words.slice(k + 1).some((other) =>
            box(one).left < box(other).right && box(other).left < box(one).right &&
            box(one).top < box(other).bottom && box(other).top < box(one).bottom));
          return [...out, ...on].map(({ textContent }) => textContent);
        })"""
    )
    assert crossed == []


def test_an_epoch_is_drawn_from_and_downloaded(window: Window, trained: str) -> None:
    window.go(f"job/{trained}?epoch=3")
    page = window.page
    link = page.get_by_role("link", name="Draw with epoch 3")
    expect(link).to_have_attribute("href", f"#draw?model={trained}@3")
    compare = page.get_by_role("link", name="Compare epoch 3")
    expect(compare).to_have_attribute("href", f"#compare?a={trained}@3")
    for part in ("G", "D"):
        href = page.get_by_role("link", name=f"Weights of {part}", exact=True).get_attribute("href")
        assert href is not None
        assert httpx.get(href).status_code == 200


def test_a_warning_says_what_may_help_and_leads_to_it(window: Window, trained: str) -> None:
    window.go(f"job/{trained}")
    warning = window.page.locator(".warning").filter(has_text="untrained classes")
    expect(warning).to_contain_text("set classes to 10")
    again = warning.get_by_role("link", name="Again with classes 10")
    expect(again).to_have_attribute("href", f"#train?from={trained}&classes=10")


def test_what_it_left_is_read_when_it_is_unfolded(window: Window, trained: str) -> None:
    window.go(f"job/{trained}")
    page = window.page
    page.get_by_text("The end of the log").click()
    expect(page.get_by_role("group", name="Log")).to_be_visible()
    page.get_by_text("Did it memorise?").click()
    expect(page.get_by_role("img", name="Drawn images, each")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_it_is_for_everybody(chromium: Browser, service: Service, trained: str, width: int) -> None:
    with Window.open(chromium, service.base, width=width, dark=width == 360) as window:
        window.go(f"job/{trained}?tile=3")
        expect_epoch(window.page, EPOCHS)
        for summary in window.page.get_by_text("Numbers").all():
            if summary.is_visible():
                summary.click()
        report = Axe().run(window.page)
        assert report.violations_count == 0, report.generate_report()
        assert not window.page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_a_training_is_followed_while_it_goes_on(window: Window, service: Service) -> None:
    body = {"preset": "smoke", "epochs": 2000, "num_images": 128, "publish": "never"}
    url = f"{service.base}/jobs/{httpx.post(f'{service.base}/train', json=body).json()['id']}"
    window.expected = ("404",)  # of the job, once it is deleted
    window.go(f"job/{url.rsplit('/', 1)[1]}")
    page = window.page
    for epoch in (3, 6):
        wait_until(lambda epoch=epoch: int(page.get_by_role("slider").input_value()) >= epoch)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Stop it for good?").click()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
    assert httpx.get(url).json()["status"] == "cancelled"
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it and its files?").click()
    expect(page).to_have_url(re.compile("#train$"))
