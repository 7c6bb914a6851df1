"""How much a page that is left open on a training grows, in the real Chromium.

    python -m bench.page_memory http://127.0.0.1:8000 --minutes 30

Starts a training of many short epochs, opens its page, and cancels it at the end. Prints a line of JSON a minute: the
minute, the newest epoch, MB of the JavaScript heap after a garbage collection, elements of the document, and MB of
resident memory of the page's process.
"""

import argparse
import json
import resource
import shutil
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

RECIPE = {"preset": "fast", "num_images": 2000, "epochs": 10_000, "publish": "never"}
MB = 1_000_000
PAGE_SIZE = resource.getpagesize()
SETTLE_S = 20


def main() -> None:
    """Measure, minute by minute."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="of a running service")
    parser.add_argument("--minutes", type=int, default=30)
    asked = parser.parse_args()
    with httpx.Client(base_url=asked.base, timeout=30) as http, sync_playwright() as playwright:
        job = http.post("/train", json=RECIPE).raise_for_status().json()["id"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{asked.base}/#job/{job}")
        page.wait_for_timeout(SETTLE_S * 1000)
        begun = time.monotonic()
        for minute in range(asked.minutes + 1):
            page.wait_for_timeout(max(0.0, begun + 60 * minute - time.monotonic()) * 1000)
            epoch = (http.get(f"/jobs/{job}").json()["progress"] or {}).get("epoch")
            print(json.dumps({"minute": minute, "epoch": epoch, **_held(browser, page)}), flush=True)
        browser.close()
        http.post(f"/jobs/{job}/cancel").raise_for_status()


def _held(browser: Browser, page: Page) -> dict[str, float]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    devtools.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    devtools.detach()
    elements = page.evaluate("document.querySelectorAll('*').length")
    return {
        "heap_mb": round(found["JSHeapUsedSize"] / MB, 2),
        "elements": elements,
        "resident_mb": _resident_mb(browser),
    }


def _resident_mb(browser: Browser) -> float:
    """Of the browser's largest renderer: it has a spare one too."""
    devtools = browser.new_browser_cdp_session()
    processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    devtools.detach()
    renderers = [Path(f"/proc/{one['id']}/statm") for one in processes if one["type"] == "renderer"]
    return round(max(int(path.read_text().split()[1]) for path in renderers) * PAGE_SIZE / MB, 1)


if __name__ == "__main__":
    main()
