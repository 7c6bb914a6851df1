"""What the page hears of a job: each event once, however many tabs are open and whatever becomes of the server."""

import os
import signal
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.window import Window
from tests.hand_worker import submit
from tests.service import Service, children, wait_until

LISTEN = """async ([after, job]) => {
  const app = document.querySelector("script[type=module]").src;
  const { follow } = await import(app.replace("app.js", "lib/feed.js"));
  const seen = window.seen = [], left = window.left = new AbortController();
  follow((event) => event.job === job && seen.push([event.event, event.type]), { after, signal: left.signal });
}"""
ROWS = """table => [...table.rows].slice(1).map(({ cells }) => [...cells].map(cell => Number(cell.textContent)))"""
WITHOUT_LOCKS = 'Object.defineProperty(Navigator.prototype, "locks", { value: undefined });'
TINY = {"preset": "smoke", "publish": "never", "num_images": 128, "epochs": 3}
END_MS = 120_000


def events_of(base: str, job_id: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = httpx.get(f"{base}/jobs/{job_id}/events?format=json&limit=1000").json()["data"]
    return events


def open_job(page: Page, base: str, job_id: str, after: str) -> None:
    """The job's view, and beside it a follower that notes what it is told."""
    page.goto(f"{base}/#job/{job_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Training")
    page.evaluate(LISTEN, [after, job_id])


def expect_end(page: Page, base: str, job_id: str) -> None:
    """The view says that the job has succeeded, and each of its events was told once, in order."""
    expect(page.locator(".status")).to_have_text("Finished", timeout=END_MS)
    wait_until(lambda: page.evaluate("window.seen.at(-1)?.[1]") == "succeeded")
    assert page.evaluate("window.seen") == [[event["id"], event["type"]] for event in events_of(base, job_id)]


def losses(page: Page) -> list[list[float]]:
    """The rows of the table beside the curves: epoch, loss of D, loss of G."""
    rows: list[list[float]] = page.locator("figure", has_text="Losses").locator("table").evaluate(ROWS)
    return rows


def test_after_a_kill_of_the_server_in_mid_training_the_page_has_every_event_once(
    chromium: Browser, own_service: Service
) -> None:
    with own_service as service, Window.open(chromium, service.base) as window:
        window.expected = ("Failed to load resource", "net::ERR")
        page, base = window.page, service.base
        with httpx.Client(base_url=base) as http:
            job_id = submit(http, {**TINY, "num_images": 256, "epochs": 8})
        open_job(page, base, job_id, "0-0")
        page.locator("figure", has_text="Losses").get_by_text("Numbers").click(timeout=END_MS)
        wait_until(lambda: len(losses(page)) > 1)
        for process in (*children(service.api()), service.api()):
            os.kill(process, signal.SIGKILL)
        expect(page.get_by_role("banner")).to_contain_text("Reconnecting")
        service.process.wait()
        assert len(losses(page)) < 8, "it was not killed in mid-training"
        with Service(service.folder, port=base.rpartition(":")[2]):
            expect_end(page, base, job_id)
            expect(page.get_by_role("banner")).not_to_contain_text("Reconnecting")
            told = [event["data"] for event in events_of(base, job_id) if event["type"] == "epoch"]
            assert [epoch["epoch"] for epoch in told] == list(range(1, 9))
            shown = [[epoch["epoch"], epoch["loss_d"], epoch["loss_g"]] for epoch in told]
            wait_until(lambda: len(losses(page)) == 8)
            assert losses(page) == [pytest.approx(row, rel=0.006) for row in shown]  # three digits
            page.reload()
            page.locator("figure", has_text="Losses").get_by_text("Numbers").click()
            assert losses(page) == [pytest.approx(row, rel=0.006) for row in shown]


def test_eight_tabs_show_the_end_of_a_job_also_when_the_one_with_the_stream_closes(
    window: Window, service: Service
) -> None:
    with httpx.Client(base_url=service.base) as http:
        after = http.get("/jobs").json()["event"]
        job_id = submit(http, TINY)
    tabs = [window.page, *(window.context.new_page() for _ in range(7))]
    for tab in tabs:
        open_job(tab, service.base, job_id, after)
    first, *others = tabs
    first.close()
    for tab in others:
        expect_end(tab, service.base, job_id)


def test_without_locks_as_on_plain_http_each_tab_has_a_stream(window: Window, service: Service) -> None:
    window.context.add_init_script(WITHOUT_LOCKS)
    with httpx.Client(base_url=service.base) as http:
        after = http.get("/jobs").json()["event"]
        job_id = submit(http, TINY)
    tabs = [window.page, window.context.new_page()]
    for tab in tabs:
        open_job(tab, service.base, job_id, after)
        assert tab.evaluate("navigator.locks === undefined")
    for tab in tabs:
        expect_end(tab, service.base, job_id)
