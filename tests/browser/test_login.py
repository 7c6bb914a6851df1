"""With keys: the page asks for one, a link for a class logs in, and who may only look is offered nothing else."""

import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from access.key import new_key
from access.key_file import write_keys
from access.key_record import NewKey
from core.access import Scope
from tests.browser.window import Window
from tests.in_process import bearer
from tests.service import Service, wait_until

ADMIN = NewKey.make("Ms Lovelace", [Scope.ADMIN])
REFUSED = ("status of 401", "status of 403")  # which Chromium tells the console


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with keys, which the tests of this module share."""
    folder = tmp_path_factory.mktemp("keyed")
    write_keys(folder / "keys.json", [ADMIN.record])
    with Service(folder / "var", keys_file=str(folder / "keys.json")) as service:
        yield service


@pytest.fixture
def window(chromium: Browser, keyed: Service) -> Iterator[Window]:
    with Window.open(chromium, keyed.base) as window:
        window.expected = REFUSED
        yield window


def make_key(service: Service, *scopes: str, name: str = "class 7b") -> str:
    wanted = {"name": name, "scopes": scopes, "expires_s": 3600}
    answer = httpx.post(f"{service.base}/keys", json=wanted, headers=bearer(ADMIN.text))
    return str(answer.raise_for_status().json()["key"])


def log_in(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("dialog").get_by_role("button", name="Log in").click()


def is_accessible(page: Page) -> bool:
    report = Axe().run(page)
    return not report.violations_count or pytest.fail(report.generate_report())


def test_the_page_asks_for_a_key_and_says_why_one_is_refused(window: Window) -> None:
    page = window.page
    window.go("models")
    dialog = page.get_by_role("dialog", name="Log in")
    expect(dialog).to_be_visible()
    assert is_accessible(page)
    log_in(page, new_key("aaaaaaaa"))
    expect(dialog.get_by_role("alert")).to_contain_text("unknown, or was revoked")
    log_in(page, f" {ADMIN.text} ")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Ms Lovelace")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Ms Lovelace")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert ADMIN.text not in page.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})")
    page.get_by_role("button", name="Ms Lovelace").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in").first).to_be_visible()
    assert page.evaluate("fetch('/jobs').then((answer) => answer.status)") == 401


def test_a_link_for_a_class_logs_in_and_leaves_no_key_in_the_address(window: Window, keyed: Service) -> None:
    key, page, requests = make_key(keyed, "watch"), window.page, list[str]()
    window.context.on("request", lambda request: requests.append(request.url))
    window.go(f"models?label=a&key={key}")
    expect(page.get_by_role("button", name="class 7b")).to_be_visible()
    assert page.url == f"{keyed.base}/#models?label=a"
    assert not any(key in url for url in requests)
    page.reload()
    expect(page.get_by_role("button", name="class 7b")).to_be_visible()
    assert page.evaluate("fetch('/jobs').then((answer) => answer.status)") == 200
    assert page.evaluate("fetch('/train', {method: 'POST'}).then((answer) => answer.status)") == 403


def test_a_link_that_is_opened_in_an_open_page_logs_in_too(window: Window, keyed: Service) -> None:
    page = window.page
    window.go("inspect")
    page.get_by_role("button", name="Not now").click()
    page.evaluate(f"location.hash = 'draw?seed=3&key={make_key(keyed, 'watch')}'")
    expect(page.get_by_role("button", name="class 7b")).to_be_visible()
    expect(page).to_have_url(f"{keyed.base}/#draw?seed=3")


def test_who_is_logged_in_stays_so_by_a_link_for_a_class(window: Window, keyed: Service) -> None:
    page, own, of_class = window.page, make_key(keyed, "jobs:write", name="Mr Babbage"), make_key(keyed, "watch")
    window.go(f"inspect?key={own}")
    expect(page.get_by_role("button", name="Mr Babbage")).to_be_visible()
    page.evaluate(f"location.hash = 'draw?seed=3&key={of_class}'")
    expect(page.get_by_text("You are logged in as Mr Babbage.")).to_be_visible()
    expect(page).to_have_url(f"{keyed.base}/#draw?seed=3")
    expect(page.get_by_role("button", name="Mr Babbage")).to_be_visible()
    page.get_by_role("button", name="Mr Babbage").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Not now").click()
    page.evaluate(f"location.hash = 'inspect?key={of_class}'")
    expect(page.get_by_role("button", name="class 7b")).to_be_visible()


def test_who_does_not_log_in_reads_why_there_is_nothing(window: Window) -> None:
    window.go("models")
    window.page.get_by_role("button", name="Not now").click()
    expect(window.page.get_by_role("alert")).to_have_text("This service asks for a key.")
    window.page.get_by_role("button", name="Try again").click()
    expect(window.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_who_has_declined_is_not_asked_again_by_an_answer_that_comes_late(window: Window) -> None:
    page, asked = window.page, list[Route]()

    def answer_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.continue_()

    page.route("**/session", answer_the_first)
    window.go("models")
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("alert")).to_have_text("This service asks for a key.")
    assert len(asked) > 1
    for late in asked[1:]:
        with page.expect_response("**/session"):
            late.continue_()
    page.unroute("**/session")
    page.evaluate("fetch('/session').then((answer) => answer.text())")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog", name="Log in")).to_be_visible()


def test_a_link_whose_key_is_none_any_more_says_so(window: Window) -> None:
    window.go(f"draw?key={new_key('bbbbbbbb')}")
    expect(window.page.get_by_role("alert").filter(has_text="does not let you in")).to_be_visible()
    assert "key" not in window.page.url


def test_who_may_only_look_is_offered_nothing_else(window: Window, keyed: Service) -> None:
    page = window.page
    window.go(f"inspect?key={make_key(keyed, 'watch')}")
    expect(page.get_by_role("button", name="class 7b")).to_be_visible()
    added = """(needs) => { const button = document.createElement("button");
        button.dataset.needs = button.textContent = needs; document.getElementById("main").append(button); }"""
    for scope in ("jobs:write", "models:write", "datasets:write", "admin"):
        page.evaluate(added, scope)
        expect(page.get_by_role("button", name=scope)).to_have_count(0)
    page.get_by_role("button", name="class 7b").click()
    expect(page.get_by_role("dialog")).not_to_contain_text("Share")
    page.get_by_role("button", name="Log out").click()
    log_in(page, ADMIN.text)
    expect(page.get_by_role("button", name="Ms Lovelace")).to_be_visible()
    page.evaluate(added, "jobs:write")
    expect(page.get_by_role("button", name="jobs:write").first).to_be_visible()


def test_a_reader_who_may_only_look_sees_nothing_that_writes(window: Window, keyed: Service) -> None:
    page, admin = window.page, bearer(ADMIN.text)
    body = {"preset": "smoke", "epochs": 1, "num_images": 128, "classes": 12, "publish": "never"}  # 12: has a warning
    job = f"{keyed.base}/jobs/{httpx.post(f'{keyed.base}/train', json=body, headers=admin).json()['id']}"
    window.go(f"job/{job.rsplit('/', 1)[1]}?key={make_key(keyed, 'watch')}")
    expect(page.get_by_role("button", name="class 7b")).to_be_visible()
    expect(page.get_by_text("Finished")).to_be_visible(timeout=180_000)
    expect(page.get_by_role("heading", name="untrained classes")).to_be_visible()
    writes = re.compile(
        "Start|Pause|Resume|Cancel|Delete|Activate|Save|Choose a f|Import|Train on|Train again|Again with"
    )
    for view, shown in {
        "": page.get_by_role("heading", name="untrained classes"),
        "train": page.locator(".jobs").get_by_text("Finished"),
        "models": page.get_by_role("button", name=re.compile("^Compare")).first,
        "datasets": page.get_by_text("Files of the server").first,
    }.items():
        if view:
            window.go(view)
        expect(shown).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        for role in ("button", "link"):
            assert page.get_by_role(role, name=writes).all_inner_texts() == [], view
    window.go("train")
    page.get_by_label("epochs", exact=True).press("Enter")  # which would press a hidden button
    assert len(httpx.get(f"{keyed.base}/jobs", headers=admin).json()["data"]) == 1
    wait_until(lambda: httpx.get(job, headers=admin).json()["finished_at"])
    window.go(f"job/{job.rsplit('/', 1)[1]}")
    page.get_by_role("button", name="class 7b").click()
    page.get_by_role("button", name="Log out").click()
    log_in(page, ADMIN.text)
    expect(page.get_by_role("button", name="Delete")).to_be_visible()


def test_by_the_keyboard_alone_an_admin_logs_in_and_makes_a_link(window: Window, keyed: Service) -> None:
    page, keyboard = window.page, window.page.keyboard
    window.go("draw?seed=5")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    keyboard.type(ADMIN.text)
    keyboard.press("Enter")
    account = page.get_by_role("button", name="Ms Lovelace")
    expect(account).to_be_visible()
    reach(page, "Ms Lovelace")
    keyboard.press("Enter")
    assert is_accessible(page)
    reach(page, "Make a link")
    keyboard.press("Enter")
    link = page.get_by_label("The link.")
    expect(link).to_have_value(re.compile(rf"^{keyed.base}/#draw\?.*seed=5.*key=df_"))
    shared = link.input_value()
    reach(page, "Copy")
    keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text=re.compile("Copied|Ctrl-C"))).to_be_visible()
    with Window.open(window.context.browser, keyed.base, width=360) as other:  # type: ignore[arg-type]
        other.page.goto(shared)
        expect(other.page.get_by_role("button", name="class", exact=True)).to_be_visible()
        assert not other.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    reach(page, "End it")
    keyboard.press("Enter")
    expect(page.get_by_role("button", name="End the link for class", exact=True)).to_have_count(0)
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(account).to_be_focused()


def reach(page: Page, name: str) -> None:
    """Press Tab until what has the name, or the text, is focused."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(name) => document.activeElement?.textContent.trim() === name", name):
            return
    raise AssertionError(f"Tab does not lead to {name!r}")
