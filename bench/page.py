"""How fast the page draws, in the real Chromium: the first picture after opening, and a point dragged on the plane.

    python -m bench.page http://127.0.0.1:8000

Prints JSON: milliseconds from the start of the navigation until the first picture is decoded (the median of five
windows without a cache), milliseconds from a pointer's move until the picture of its point is in the page (the median
and the 90th percentile of 100 moves, each waited for), and the bytes of all files of the page.
"""

import argparse
import json
import shutil
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from app.page.files import FOLDER

WINDOWS, MOVES = 5, 100
FIRST = """() => new Promise((done) => {
  const look = () => {
    const image = document.querySelector(".drawn img");
    if (image && image.complete && image.naturalWidth) done(performance.now());
    else requestAnimationFrame(look);
  };
  look();
})"""
DRAG = """async (moves) => {
  const plane = document.querySelector(".plane");
  const box = plane.getBoundingClientRect();
  const send = (type, part) => plane.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, clientX: box.left + box.width * (0.2 + 0.6 * part), clientY: box.top + box.height * 0.5,
  }));
  plane.setPointerCapture = () => {};
  plane.hasPointerCapture = () => true;
  send("pointerdown", 0);
  const times = [];
  for (let move = 1; move <= moves; move++) {
    const arrived = new Promise((done) => {
      const watch = new MutationObserver(() => { watch.disconnect(); done(performance.now()); });
      watch.observe(document.querySelector(".drawn"), { childList: true });
    });
    const begin = performance.now();
    send("pointermove", move / moves);
    times.push(await arrived - begin);
    await new Promise(requestAnimationFrame);
  }
  return times;
}"""


def _first_picture_ms(browser: Browser, base: str) -> float:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{base}/#draw", wait_until="commit")
        return float(page.evaluate(FIRST))


def _drag_ms(browser: Browser, base: str) -> list[float]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{base}/#draw?at=1.5,2")
        page.locator(".seeds img").nth(24).wait_for()
        page.wait_for_load_state("networkidle")
        times: list[float] = page.evaluate(DRAG, MOVES)
        return times


def _measure(base: str) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        firsts = [_first_picture_ms(browser, base) for _ in range(WINDOWS)]
        drags = _drag_ms(browser, base)
        browser.close()
    return {
        "first_picture_ms": round(median(firsts), 1),
        "drag_median_ms": round(median(drags), 1),
        "drag_p90_ms": round(quantiles(drags, n=10)[-1], 1),
        "page_bytes": sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="where the service answers, such as http://127.0.0.1:8000")
    print(json.dumps(_measure(parser.parse_args().base)))
