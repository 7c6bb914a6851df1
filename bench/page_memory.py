"""How much a page that is left open on a training grows, in the real Chromium.

    python -m bench.page_memory http://127.0.0.1:8000 --minutes 30

Starts a training of many short epochs, opens its page, and cancels it at the end. Prints a line of JSON a minute: the
minute, the newest epoch, MB of the JavaScript heap after a garbage collection, elements of the document, and MB of
resident memory of the page's process.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

RECIPE = {"preset": "fast", "num_images": 2000, "epochs": 10_000, "publish": "never"}
MB = 1_000_000
SETTLE_S = 20


def main() -> None:
    """Measure, minute by minute."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="of a running service")
    parser.add_argument("--minutes", type=int, default=30)
    asked = parser.parse_args()
    with httpx.Client(base_url=asked.base, timeout=30) as http, sync_playwright() as playwright:
        job = http.post("/train", json=RECIPE).raise_for_status().json()["id"]
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--renderer-process-limit=1"]
        )
        page = browser.new_page()
        page.goto(f"{asked.base}/#job/{job}")
        page.wait_for_timeout(SETTLE_S * 1000)
        begun = time.monotonic()
        for minute in range(asked.minutes + 1):
            page.wait_for_timeout(max(0.0, begun + 60 * minute - time.monotonic()) * 1000)
            epoch = (http.get(f"/jobs/{job}").json()["progress"] or {}).get("epoch")
            print(json.dumps({"minute": minute, "epoch": epoch, **_held(page)}), flush=True)
        browser.close()
        http.post(f"/jobs/{job}/cancel").raise_for_status()


def _held(page: Page) -> dict[str, float]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    devtools.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    devtools.detach()
    elements = page.evaluate("document.querySelectorAll('*').length")
    return {"heap_mb": round(found["JSHeapUsedSize"] / MB, 2), "elements": elements, "resident_mb": _resident_mb()}


def _resident_mb() -> float:
    """Of the largest renderer of this machine: there is no other browser."""
    sizes = [0.0]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"--type=renderer" in path.read_bytes():
                pages = int((path.parent / "statm").read_text().split()[1])
                sizes.append(pages * 4096 / MB)
        except OSError:
            continue
    return round(max(sizes), 1)


if __name__ == "__main__":
    main()
