"""Starting a training on the page, and watching it to its end."""

import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.window import Window
from tests.service import Service, wait_until

TINY = "preset=smoke&publish=never&num_images=128"


@pytest.fixture(autouse=True)
def tidy(service: Service) -> Iterator[None]:
    """What a test leaves running or behind is cancelled and deleted."""
    yield
    for job in httpx.get(f"{service.base}/jobs").json()["data"]:
        url = f"{service.base}/jobs/{job['id']}"
        httpx.post(f"{url}/cancel")
        wait_until(lambda url=url: httpx.delete(url).status_code in (204, 404))


def jobs(service: Service) -> list[str]:
    return [job["id"] for job in httpx.get(f"{service.base}/jobs").json()["data"]]


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('form details').forEach(one => one.open = true)")


def test_a_training_is_started_and_watched_to_its_end(window: Window, service: Service) -> None:
    window.go(f"train?{TINY}")
    page = window.page
    before = jobs(service)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    open_all(page)
    page.get_by_label("epochs", exact=True).fill("3")
    expect(page).to_have_url(re.compile("epochs=3"))
    expect(page.get_by_role("status").filter(has_text="About")).to_be_visible()
    page.get_by_role("button", name="Start training").dblclick()
    expect(page).to_have_url(re.compile("#job/[0-9a-f]+$"))
    assert len(jobs(service)) == len(before) + 1
    expect(page.get_by_text("Finished")).to_be_visible(timeout=180_000)
    expect(page.get_by_role("img", name="64 images")).to_have_attribute("data-epoch", "3")
    page.get_by_role("link", name="Train again, changed").click()
    expect(page.get_by_label("epochs", exact=True)).to_have_value("3")
    expect(page.get_by_label("num_images", exact=True)).to_have_value("128")
    expect(page.get_by_role("radio", name="smoke")).to_be_checked()


def test_the_form_is_a_link_and_a_knob_is_set_back(window: Window) -> None:
    window.go("train?preset=fast&lr_d=0.0001&d_norm=none")
    page = window.page
    expect(page.get_by_label("lr_d", exact=True)).to_have_value("0.0001")
    expect(page.get_by_label("d_norm", exact=True)).to_have_value("none")
    page.get_by_role("button", name="Set lr_d back").click()
    expect(page.get_by_label("lr_d", exact=True)).to_have_value("0.0008")
    expect(page).to_have_url(re.compile(r"#train\?preset=fast&d_norm=none$"))
    page.reload()
    expect(page.get_by_label("d_norm", exact=True)).to_have_value("none")


def test_what_is_chosen_faster_than_the_service_answers_is_all_kept(window: Window) -> None:
    page, late = window.page, list[Route]()
    window.expected = ("status of 404", "status of 422")  # there is no such data set
    window.go("train?dataset=elsewhere")
    expect(page.get_by_role("radio", name="proposed")).to_be_checked()
    page.route("**/estimates", lambda route: late.append(route))
    page.get_by_role("radio", name="smoke").check()
    page.get_by_label("Its model").select_option("never")
    expect(page).to_have_url(re.compile("preset=smoke.*publish=never"))
    for route in late:
        route.continue_()
    page.unroute("**/estimates")
    expect(page.get_by_role("radio", name="smoke")).to_be_checked()
    expect(page.get_by_label("Its model")).to_have_value("never")


def test_what_is_wrong_is_said_at_its_field(window: Window) -> None:
    window.expected = ("422",)
    window.go("train?epochs=0")
    page = window.page
    epochs = page.get_by_label("epochs", exact=True)
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#knob-epochs-says .problem")).not_to_be_empty()
    page.get_by_role("button", name="Start training").click()
    expect(epochs).to_be_focused()
    epochs.fill("2")
    expect(epochs).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#knob-epochs-says .problem")).to_be_empty()


def test_a_job_is_seen_live_in_the_list_and_is_cancelled_there(window: Window, service: Service) -> None:
    window.go("train")
    page = window.page
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    body = {"preset": "smoke", "epochs": 2000, "num_images": 128, "publish": "never"}
    job = httpx.post(f"{service.base}/train", json=body).json()["id"]
    row = page.locator(f"#job-{job}")
    expect(row).to_contain_text("of 2000")
    expect(row).to_contain_text("num_images 128, epochs 2000")
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_text("Paused")).to_be_visible()
    row.get_by_role("button", name="Resume").click()
    expect(row.get_by_role("button", name="Pause")).to_be_visible()
    row.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Stop it for good?").click()
    expect(row.get_by_text("Cancelled", exact=True)).to_be_visible()
    row.get_by_role("button", name="Delete").click()
    row.get_by_role("button", name="Delete it and its files?").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 360])
def test_it_is_for_everybody(chromium: Browser, service: Service, width: int) -> None:
    with Window.open(chromium, service.base, width=width, dark=width == 360) as window:
        window.go("train?lr_d=0.0001")
        expect(window.page.get_by_role("heading", name="Jobs")).to_be_visible()
        open_all(window.page)
        report = Axe().run(window.page)
        assert report.violations_count == 0, report.generate_report()
        assert not window.page.evaluate("document.documentElement.scrollWidth > innerWidth")
