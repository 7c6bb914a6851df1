"""The view `#datasets`: own images from the reader's disk to a data set that can be trained on."""

import re
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from shutil import make_archive
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.window import Window
from tests.service import Service, wait_until

PART = 8 << 20  # bytes of an upload that go at once

ZIPPED = """async ([module, files]) => {
  const { zip } = await import(module);
  const blob = await zip(files.map(([path, text]) => ({ path, file: new Blob([text]) })));
  return btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
}"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of two classes, one of them damaged."""
    rng = np.random.default_rng(1)
    for name, count in (("cat", 16), ("dog", 8)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for k in range(count):
            Image.fromarray(rng.integers(256, size=(16, 16, 3), dtype=np.uint8)).save(
                tmp_path / "pets" / name / f"{k}.png"
            )
    (tmp_path / "pets" / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return tmp_path / "pets"


def choose(page: Page, path: Path) -> None:
    """Choose a file or a folder in the panel for own images."""
    kind = "[webkitdirectory]" if path.is_dir() else ":not([webkitdirectory])"
    page.locator(f".importer input[type=file]{kind}").set_input_files(path)


def test_a_folder_becomes_a_data_set(chromium: Browser, service: Service, folder: Path) -> None:
    with Window.open(chromium, service.base, width=360) as window:
        page = window.page
        window.go("datasets")
        choose(page, folder)
        expect(page.get_by_label("Name of the data set")).to_have_value("pets")
        page.get_by_label("Name of the data set").press("Enter")
        page.get_by_role("link", name="Look at it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("pets")
        balance = page.get_by_role("region", name="Classes").get_by_role("row")
        expect(balance.filter(has_text="cat")).to_be_visible()
        expect(balance.filter(has_text="dog")).to_be_visible()
        expect(page.get_by_role("region", name="Files with problems")).to_contain_text("pets/cat/broken.png")
        page.get_by_label("Images of").select_option("dog")
        page.get_by_label("As D sees them").select_option("cutout")
        expect(page.get_by_role("img", name="Training images of dog")).to_be_visible()
        page.reload()
        expect(page.get_by_label("As D sees them")).to_have_value("cutout")
        wait_until(lambda: page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth)"))
        assert Axe().run(page).violations_count == 0
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete its images for good? Its models stay").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Data sets")
        expect(page.get_by_role("link", name="pets")).to_have_count(0)


DROP = """([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "application/zip" }));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event);
  }
}"""


def test_a_zip_is_dropped_and_trained_on(window: Window, service: Service, folder: Path) -> None:
    page = window.page
    rng = np.random.default_rng(2)
    for k in range(80):  # with which a batch is full
        Image.fromarray(rng.integers(256, size=(16, 16, 3), dtype=np.uint8)).save(folder / "dog" / f"more-{k}.png")
    archive = make_archive(str(folder.parent / "own"), "zip", folder)
    window.go("")  # wherever the reader is
    expect(page.get_by_role("button", name="Another seed")).to_be_visible()
    page.evaluate(DROP, ["own.zip", b64encode(Path(archive).read_bytes()).decode()])
    name = page.get_by_label("Name of the data set")
    name.fill("dropped")
    name.press("Enter")
    page.get_by_role("link", name="Look at it").click()
    page.get_by_role("link", name="Train on it").click()
    expect(page.get_by_label("Data set", exact=False).first).to_have_value("dropped")
    expect(page.get_by_role("radio", name="proposed")).to_be_checked()
    page.get_by_role("radio", name="smoke").check()
    page.get_by_label("Its model").select_option("never")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="Training on dropped")).to_be_visible()
    expect(page.get_by_text("Finished")).to_be_visible(timeout=180_000)
    job = httpx.get(f"{service.base}/jobs", params={"limit": 1}).json()["data"][0]
    assert (job["recipe"]["dataset"], job["preset"], job["status"]) == ("dropped", "smoke", "succeeded")
    window.go("inspect")
    for path in (f"/jobs/{job['id']}", "/datasets/dropped"):
        httpx.delete(f"{service.base}{path}").raise_for_status()


def test_an_import_has_one_page(window: Window, service: Service, folder: Path) -> None:
    page = window.page
    archive = Path(make_archive(str(folder.parent / "own"), "zip", folder))
    query = {"name": "one-page", "file": archive.name}
    job = httpx.post(f"{service.base}/datasets", params=query, content=archive.read_bytes()).raise_for_status().json()
    window.go(f"job/{job['id']}")  # as for a training
    expect(page).to_have_url(re.compile(f"#import/{job['id']}$"))
    expect(page.get_by_role("link", name="Data sets", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Look at it")).to_be_visible()
    expect(page.get_by_role("region", name="Files with problems")).to_contain_text("cat/broken.png")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it and its files?").click()
    expect(page).to_have_url(re.compile("#datasets$"))
    httpx.delete(f"{service.base}/datasets/one-page").raise_for_status()


def test_an_upload_that_broke_off_goes_on_after_a_reload(window: Window, tmp_path: Path) -> None:
    """A broken connection, then a closed tab: what the service has is not sent again."""
    page, offsets = window.page, list[str]()
    window.expected = ("net::ERR_FAILED",)
    path = tmp_path / "nothing.bin"
    path.write_bytes(bytes(PART + 1))

    def note(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(route.request.headers["upload-offset"])
            if len(offsets) in (1, 3):
                return route.abort()
        return route.continue_()

    page.route("**/uploads/*", note)
    window.go("datasets")
    choose(page, path)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("waiting for the service")).to_be_visible()
    wait_until(lambda: page.evaluate("document.querySelector('.importer progress')?.value >= 8 << 20"))
    page.reload()
    choose(page, path)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Mend the files, and drop them again.")).to_be_visible()
    assert offsets[:2] == ["0", "0"]
    assert set(offsets[2:]) == {str(PART)}


def test_what_the_service_refuses_stands_at_the_field(window: Window, folder: Path) -> None:
    window.expected = ("422",)
    window.go("datasets")
    choose(window.page, folder)
    name = window.page.get_by_label("Name of the data set")
    name.fill("mnist")
    name.press("Enter")
    expect(window.page.locator("label", has=name)).to_contain_text("allowed: another name")
    name.fill("no name")
    name.press("Enter")
    expect(window.page.locator("label", has=name)).to_contain_text("1 to 64 of the letters")
    window.page.get_by_role("button", name="Not now").click()
    expect(window.page.get_by_role("button", name="Choose a folder")).to_be_visible()


def test_an_archive_made_in_the_browser_is_one_for_others(page: Page) -> None:
    files = [["a/1.txt", "one"], ["a/ü.txt", "two" * 1000], ["empty", ""]]
    module = page.locator("script[type=module]").get_attribute("src") or ""
    packed = b64decode(page.evaluate(ZIPPED, [module.replace("app.js", "lib/zip.js"), files]))
    with ZipFile(BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert [[one, archive.read(one).decode()] for one in archive.namelist()] == files


def test_a_folder_of_the_server_has_a_view_too(window: Window) -> None:
    window.go("datasets?name=mnist")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("mnist")
    expect(window.page.get_by_role("img", name="Images that its model drew")).to_be_visible()
    window.page.get_by_role("link", name="Train on it").click()
    expect(window.page.get_by_label("Data set", exact=False).first).to_have_value("mnist")
