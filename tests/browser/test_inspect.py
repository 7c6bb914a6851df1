"""The view `#inspect`: a picture leads back to what drew it."""

from base64 import b64encode
from io import BytesIO
from re import compile as pattern
from zlib import crc32

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.window import Window
from tests.service import Service

GIVE = """([kind, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type: "image/png" }));
  const init = { bubbles: true, cancelable: true, dataTransfer: files, clipboardData: files };
  document.body.dispatchEvent(kind === "drop" ? new DragEvent(kind, init) : new ClipboardEvent(kind, init));
}"""


def give(page: Page, png: bytes, kind: str = "drop") -> None:
    """Drop or paste a picture."""
    page.evaluate(GIVE, [kind, "picture.png", b64encode(png).decode()])


@pytest.fixture
def drawn(service: Service) -> bytes:
    return httpx.get(f"{service.base}/generate?n=6&cols=3&seed=5&scale=2&digit=314").raise_for_status().content


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_that_was_drawn_here_is_told_from_anywhere(page: Page, drawn: bytes, kind: str) -> None:
    give(page, drawn, kind)
    expect(page.get_by_text("Genuine")).to_be_visible()
    expect(page.get_by_role("row", name="Seed")).to_contain_text("5")
    page.reload()  # the address is enough to show it again
    expect(page.get_by_text("Genuine")).to_be_visible()
    page.get_by_label("Tile").fill("4")
    expect(page.get_by_text("is image k = 4 of the seed.")).to_be_visible()
    page.get_by_role("link", name="This image alone").click()
    expect(page.get_by_role("row", name="Images")).to_contain_text("k = 4")
    expect(page.get_by_text("Genuine")).to_be_visible()


def test_the_tile_under_the_pointer_is_named(page: Page, drawn: bytes) -> None:
    give(page, drawn)
    picture = page.get_by_role("img", name="6 images of seed 5")
    expect(page.get_by_text("Genuine")).to_be_visible()
    box = picture.bounding_box()
    assert box is not None
    picture.hover(position={"x": box["width"] - 5, "y": box["height"] - 5})
    expect(page.get_by_label("Tile")).to_have_value("5")


def test_the_view_that_drew_it_opens(page: Page, drawn: bytes) -> None:
    give(page, drawn)
    page.get_by_role("link", name="Open this view").click()
    expect(page).to_have_url(pattern(r"#draw\?.*seed=5"))


def test_an_altered_file_is_found_out(page: Page, drawn: bytes) -> None:
    comment = b"tEXtComment\0altered"
    chunk = (len(comment) - 4).to_bytes(4) + comment + crc32(comment).to_bytes(4)
    end = drawn.index(b"IEND") - 4
    give(page, drawn[:end] + chunk + drawn[end:])
    expect(page.get_by_text("it has other bytes")).to_be_visible()


def test_a_foreign_picture_has_no_origin(window: Window, page: Page) -> None:
    window.expected = ("422",)
    foreign = BytesIO()
    Image.new("L", (20, 20)).save(foreign, "PNG")
    give(page, foreign.getvalue())
    expect(page.get_by_role("alert")).to_contain_text("the PNG does not say where it came from")
