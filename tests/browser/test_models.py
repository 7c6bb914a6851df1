"""The views `#models` and `#compare`, on two models of one short training each."""

from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.window import Window
from tests.service import Service, wait_until

KNOBS = {"preset": "smoke", "num_images": 256, "epochs": 2, "publish": "always"}


@pytest.fixture(scope="module")
def runs(service: Service) -> Iterator[list[dict[str, str]]]:
    """Two trainings that have left models; the second one's is active, the first one's was before."""
    active = httpx.get(f"{service.base}/models").json()["active"]
    ids = [httpx.post(f"{service.base}/train", json={**KNOBS, "seed": seed}).json()["id"] for seed in (1, 2)]
    jobs = [f"{service.base}/jobs/{one}" for one in ids]
    wait_until(lambda: all(httpx.get(job).json()["status"] == "succeeded" for job in jobs), 240)
    yield [httpx.get(job).json() for job in jobs]
    httpx.put(f"{service.base}/models/active", json={"model": active}).raise_for_status()
    for job in jobs:
        httpx.delete(job)


def shown(page: Page, selector: str) -> bytes:
    """The address of a picture that is there."""
    image = page.locator(selector).first
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("(one) => one.naturalWidth") > 0
    return httpx.get(image.evaluate("(one) => one.src")).content


def test_two_models_are_compared_at_equal_seeds(window: Window, runs: list[dict[str, str]]) -> None:
    one, other = (run["model"] for run in runs)
    window.go(f"compare?a={one}&b={other}&seed=7")
    page = window.page
    expect(page.locator(".pictures img")).to_have_count(2)
    drawn = httpx.get(f"{window.base}/generate?model={one}&seed=7&n=16&format=png").content
    assert shown(page, ".pictures img") == drawn
    for way in ("Swipe", "Blink", "Difference"):
        page.get_by_role("button", name=way).click()
        expect(page.get_by_role("button", name=way)).to_have_attribute("aria-pressed", "true")
    assert page.locator(".pictures img").nth(1).evaluate("(one) => getComputedStyle(one).mixBlendMode") == "difference"
    expect(page.get_by_role("row", name="seed")).to_contain_text("12")
    expect(page.get_by_text("were A the active model")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Difference")).to_have_attribute("aria-pressed", "true")


def test_the_eye_may_go_from_one_to_the_other_by_keys(window: Window, runs: list[dict[str, str]]) -> None:
    window.go(f"compare?a={runs[0]['model']}&b={runs[1]['model']}&mode=blink")
    page = window.page
    button = page.get_by_role("button", name="Shown is A: show B")
    button.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Shown is B: show A")).to_be_focused()
    assert page.locator(".pictures img").nth(1).evaluate("(one) => one.style.clipPath") == ""
    page.get_by_role("button", name="Swipe").click()
    page.get_by_label("The line").focus()
    page.keyboard.press("ArrowRight")
    assert "51%" in page.locator(".pictures img").nth(1).evaluate("(one) => one.style.clipPath")


def test_the_images_chosen_are_in_the_link(window: Window, runs: list[dict[str, str]]) -> None:
    window.go(f"compare?a={runs[0]['model']}&b={runs[1]['model']}")
    page = window.page
    page.locator(".pictures img").first.click(position={"x": 470, "y": 20})
    expect(page).to_have_url(f"{window.base}/#compare?a={runs[0]['model']}&b={runs[1]['model']}&tile=3")
    page.get_by_label("Seed").fill("9")
    page.get_by_label("Seed").press("Enter")
    expect(page).to_have_url(f"{window.base}/#compare?a={runs[0]['model']}&b={runs[1]['model']}&seed=9&tile=3")
    tile = httpx.get(f"{window.base}/generate?model={runs[1]['model']}&seed=9&n=1&start=3&pad=0").content
    expect(page.locator("img[alt='Image 3 of B']")).to_have_js_property("complete", True)
    assert shown(page, "img[alt='Image 3 of B']") == tile


def test_two_runs_go_through_time_together(window: Window, runs: list[dict[str, str]]) -> None:
    one, other = (run["id"] for run in runs)
    window.go(f"compare?a={one}@2&b={other}@2")
    page = window.page
    slider = page.get_by_role("slider", name="Time")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(f"{window.base}/#compare?a={one}@1&b={other}@1")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "A at epoch 1, B at epoch 1")
    drawn = httpx.get(f"{window.base}/generate?model={other}@1&seed=1&n=16").content
    wait_until(lambda: page.evaluate("[...document.images].every((image) => image.complete)"))
    assert shown(page, "img[alt='16 images of B']") == drawn
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()


def test_images_of_another_size_cannot_lie_over_each_other_and_that_is_told(
    window: Window, runs: list[dict[str, str]]
) -> None:
    one, other = (run["model"] for run in runs)
    answer = httpx.get(f"{window.base}/models/{other}").json()
    answer["card"]["image_shape"]["side"] = 32
    window.page.route(f"**/models/{other}", lambda route: route.fulfill(json=answer))
    window.go(f"compare?a={one}&b={other}&mode=blink")
    expect(window.page.get_by_text("Their images differ in size or colours")).to_be_visible()
    expect(window.page.get_by_role("button", name="Blink")).to_be_disabled()
    window.go(f"compare?a={one}&b={one}&mode=blink")
    expect(window.page.get_by_text("Their images differ in size or colours")).to_have_count(0)


def test_what_a_training_leaves_is_shown_at_once(window: Window, service: Service) -> None:
    window.go("models")
    expect(window.page.get_by_role("article")).not_to_have_count(0)
    body = {"preset": "smoke", "num_images": 128, "epochs": 1, "seed": 77, "publish": "never"}
    job = f"{service.base}/jobs/{httpx.post(f'{service.base}/train', json=body).json()['id']}"
    wait_until(lambda: httpx.get(job).json()["status"] == "succeeded", 60)
    model = httpx.get(job).json()["model"]
    expect(window.page.get_by_role("article", name=f"Model {model}")).to_be_visible()
    for path in (job, f"{service.base}/models/{model}"):
        httpx.delete(path)


def test_what_is_gone_is_told_and_another_can_be_chosen(window: Window, runs: list[dict[str, str]]) -> None:
    window.expected = ("404",)
    window.go(f"compare?a={runs[0]['model']}&b=0000000000000000")
    page = window.page
    expect(page.get_by_role("alert").first).to_contain_text("B: ")
    page.get_by_label("B", exact=True).select_option(runs[1]["model"])
    expect(page.locator(".pictures img")).to_have_count(2)


def test_at_first_the_active_model_stands_beside_the_one_before(window: Window, runs: list[dict[str, str]]) -> None:
    window.go("compare")
    expect(window.page).to_have_url(f"{window.base}/#compare?a={runs[0]['model']}&b={runs[1]['model']}")


def test_models_are_labelled_chosen_and_made_active_and_back(window: Window, runs: list[dict[str, str]]) -> None:
    before, active = (run["model"] for run in runs)
    window.go("models")
    page = window.page
    card = page.get_by_role("article", name=before)
    card.get_by_text("More").click()
    card.get_by_label("Labels").fill("stage=candidate, a b")
    window.expected = ("422", "409")
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_role("alert")).to_contain_text("a b")
    card.get_by_label("Labels").fill("stage=candidate")
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_role("link", name="stage=candidate")).to_be_visible()
    card.get_by_role("link", name="stage=candidate").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("article", name=active)).to_contain_text("active")

    card.get_by_role("button", name="Activate").click()
    expect(card.get_by_text("active", exact=True)).to_be_visible()
    card.get_by_text("More").click()
    card.get_by_text("Delete", exact=True).first.click()
    card.get_by_role("button", name="Delete").click()
    expect(card.get_by_role("alert")).to_contain_text("active")
    page.get_by_role("button", name="Back to the model before").click()
    expect(page.get_by_role("article", name=active).get_by_text("active", exact=True)).to_be_visible()

    for one in (before, active):
        page.get_by_role("button", name=f"Compare {one}").click()
    page.get_by_role("link", name="Compare 2 chosen").click()
    expect(page).to_have_url(f"{window.base}/#compare?a={before}&b={active}")
