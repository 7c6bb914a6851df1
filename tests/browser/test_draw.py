"""The view that draws: a grid, an image of it, the plane, the sliders, a walk."""

import re
import shlex
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.window import Window


def picture(page: Page) -> Locator:
    return page.locator(".drawn img")


def tiles(page: Page) -> Locator:
    return page.get_by_role("group", name="Images").get_by_role("button")


def source(page: Page) -> str:
    found = picture(page).get_attribute("src")
    assert found is not None
    return found


def pixels(url: str) -> bytes:
    with Image.open(BytesIO(httpx.get(url).content)) as image:
        return image.tobytes()


def expect_drawn(page: Page, *parts: str) -> None:
    """Wait for a picture whose URL has these parts."""
    for part in parts:
        expect(picture(page)).to_have_attribute("src", re.compile(f"[?&]{re.escape(quote(part, safe='=,'))}(&|$)"))


def test_a_grid_is_there_at_once_and_another_seed_is_one_click_away(page: Page) -> None:
    expect_drawn(page, "seed=1", "n=16")
    expect(tiles(page)).to_have_count(16)
    page.get_by_role("button", name="Another seed").click()
    expect(picture(page)).not_to_have_attribute("src", re.compile("seed=1&"))
    seed = page.get_by_label("Seed", exact=False).first.input_value()
    assert page.url.endswith(f"#draw?seed={seed}")
    page.go_back()
    expect_drawn(page, "seed=1")


def test_what_is_set_is_in_the_address_and_comes_back_from_it(window: Window) -> None:
    page = window.page
    window.go("draw?seed=5&n=4&truncation=0.5&class=7,1&scale=2")
    expect_drawn(page, "seed=5", "n=4", "truncation=0.5", "class=7,1", "cols=2")
    images = page.get_by_role("spinbutton", name="Images", exact=True)
    expect(images).to_have_value("4")
    expect(page.get_by_label("7", exact=True)).to_be_checked()
    expect(picture(page)).to_have_attribute("width", str((2 * 30 - 2) * 2))
    page.get_by_role("button", name="Whatever comes").click()
    page.get_by_role("button", name="All, in turn").click()
    expect(tiles(page)).to_have_count(40)
    images.fill("9")
    images.press("Enter")
    expect_drawn(page, "n=9")
    page.reload()
    expect_drawn(page, "seed=5", "n=9", "truncation=0.5", "class=0,1,2,3,4,5,6,7,8,9")


def test_an_image_is_drawn_again_by_the_copied_command(page: Page, tmp_path: Path) -> None:
    tiles(page).nth(3).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Image 3 of seed 1")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading", name="Image 4 of seed 1")).to_be_visible()
    command = dialog.get_by_role("textbox", name="Command")
    expect(command).to_have_value(re.compile("start=4&"))
    words = shlex.split(command.input_value())
    subprocess.run(words, cwd=tmp_path, check=True, timeout=30)
    shown = dialog.get_by_role("img", name="The image, large").get_attribute("src")
    assert shown is not None
    assert (tmp_path / "image.png").read_bytes() == httpx.get(shown).content
    assert httpx.get(words[2]).headers["cache-control"].endswith("immutable")
    program = dialog.get_by_role("textbox", name="Python").input_value()
    (tmp_path / "image.png").unlink()
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=30)
    assert (tmp_path / "image.png").read_bytes() == httpx.get(shown).content


def test_an_image_by_keyboard_alone(page: Page) -> None:
    expect(tiles(page)).to_have_count(16)
    tiles(page).first.focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="Image 5 of seed 1")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(tiles(page).nth(5)).to_be_focused()
    expect(page).to_have_url(re.compile("#draw$"))


def test_a_copy_is_in_the_clipboard(window: Window) -> None:
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.go("draw?tile=2")
    window.page.get_by_role("button", name="Copy: Address").click()
    expect(window.page.get_by_text("Copied.")).to_be_attached()
    assert "&start=2&" in window.page.evaluate("navigator.clipboard.readText()")


def test_a_walk_stands_still_until_it_is_played_where_motion_is_not_wanted(page: Page) -> None:
    page.get_by_role("link", name="Walk").click()
    expect_drawn(page, "seed=1")
    page.get_by_role("button", name="Play").click()
    expect_drawn(page, "interpolate=1,2", "format=webp")
    page.get_by_label("To seed").fill("9")
    page.get_by_label("To seed").press("Enter")
    expect_drawn(page, "interpolate=1,9")
    page.get_by_role("button", name="Stop").click()
    expect_drawn(page, "seed=1")


def test_a_point_is_dragged_on_the_plane_and_moved_by_keys(window: Window) -> None:
    page = window.page
    window.go("draw?at=1.5,2")
    expect_drawn(page, "at=1.5,2", "n=1")
    plane = page.get_by_role("slider", name="Point of the plane")
    expect(plane.locator("img")).to_have_count(25)
    plane.press("ArrowRight")
    plane.press("Shift+ArrowUp")
    expect_drawn(page, "at=1.6,1.99")
    expect(page).to_have_url(re.compile(r"#draw\?at=1\.6,1\.99$"))
    box = plane.bounding_box()
    assert box is not None
    side = box["width"] / 5
    page.mouse.move(box["x"] + 1.5 * side, box["y"] + 1.5 * side)
    page.mouse.down()
    page.mouse.move(box["x"] + 3.5 * side, box["y"] + 0.5 * side, steps=10)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"at=3,0$"))
    expect_drawn(page, "at=3,0")
    assert pixels(source(page)) == pixels(source(page).replace("at=3,0", "seed=3"))
    page.get_by_role("link", name="Grid").click()
    expect_drawn(page, "seed=3", "n=16")


def test_sliders_change_the_images_and_are_reset(page: Page) -> None:
    slider = page.get_by_role("slider", name=re.compile("^Direction 1 "))
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect_drawn(page, "nudge=0:0.2")
    expect(page).to_have_url(re.compile("nudge=0"))
    page.reload()
    expect(slider).to_have_value("0.2")
    page.get_by_role("button", name="Reset").click()
    expect(picture(page)).not_to_have_attribute("src", re.compile("nudge"))
    expect(slider).to_have_value("0")


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("draw?n=500", "Input should be less than or equal to 256"),
        ("draw?class=x", "no class is called 'x'"),
        ("draw?seed=three", "Input should be a valid integer"),
        ("draw?scale=99", "Input should be less than or equal to 8"),
    ],
)
def test_what_is_wrong_stands_at_its_field_in_the_words_of_the_service(window: Window, link: str, words: str) -> None:
    window.expected = ("422",)
    window.go(link)
    expect(window.page.locator(".controls").get_by_text(words)).to_be_visible()
    window.page.get_by_role("link", name="Grid").click()


def test_a_point_that_is_none_is_refused_and_gone_with_the_next_click(window: Window) -> None:
    window.expected = ("422",)
    window.go("draw?at=junk")
    page = window.page
    expect(page.get_by_role("alert").filter(has_text="allowed: x,y")).to_be_visible()
    page.get_by_role("link", name="Plane").click()
    expect_drawn(page, "at=1,0")
    expect(page.get_by_role("alert")).to_have_count(0)
