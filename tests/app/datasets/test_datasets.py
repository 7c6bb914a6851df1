"""The list of data sets, a data set, and the problems of its files in pages."""

import httpx
import pytest

from app.http.services import Services
from core.dataset_card import CARD, FLOOR, PROBLEMS, DatasetCard
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from core.scores import Floor
from tests.app.datasets.making import shelve
from tests.app.http.test_errors import problem
from tests.imported import colourful
from tests.tiny import score_sheet


@pytest.fixture(scope="module")
def icons(services: Services) -> DatasetCard:
    labels = [k % 3 for k in range(24)]
    return shelve(services, colourful(24), labels, ["shirt", "shoe", "2"], train=20, name="icons")


@pytest.fixture(scope="module")
def faulty(services: Services) -> DatasetCard:
    """A data set with a problem in each of 250 files."""
    card = shelve(services, colourful(4, side=16, seed=1), name="faulty")
    codes = [ProblemCode.DUPLICATE if k % 5 == 0 else ProblemCode.BLANK for k in range(250)]
    problems = [
        FileProblem(file=f'a/"code":"duplicate"/{k}.png', code=code, detail="so", action="dropped")
        for k, code in enumerate(codes)
    ]
    lines = "".join(f"{one.model_dump_json()}\n" for one in problems)
    (services.datasets.folder(card.dataset_id) / PROBLEMS).write_text(lines)
    return card


def test_a_data_set_is_found_by_its_name_and_by_its_id(http: httpx.Client, icons: DatasetCard) -> None:
    by_name = http.get("/datasets/icons").raise_for_status().json()
    assert http.get(f"/datasets/{icons.dataset_id}").json() == by_name
    assert (by_name["id"], by_name["state"], by_name["names"]) == (icons.dataset_id, "ready", ["icons"])
    assert DatasetCard.model_validate(by_name["card"]) == icons
    for link in ("self", "problems", "preview", "download"):
        assert http.get(by_name["links"][link]).status_code == 200, link
    assert http.get(by_name["links"]["images"].format(k=23)).status_code == 200


def test_an_older_version_stays_under_its_id(http: httpx.Client, services: Services) -> None:
    older = shelve(services, colourful(4, seed=2), name="version")
    newer = shelve(services, colourful(4, seed=3), name="version")
    assert http.get("/datasets/version").json()["id"] == newer.dataset_id
    shown = http.get(f"/datasets/{older.dataset_id}").json()
    assert (shown["names"], shown["card"]["name"]) == ([], "version")


@pytest.mark.parametrize("path", ["", "/problems", "/preview.png", "/images/0.png", "/download"])
@pytest.mark.parametrize("name", ["nothing", "0" * 16, "names", "..names", "%00", "x" * 64, ".hidden"])
def test_an_unknown_data_set_is_404(http: httpx.Client, name: str, path: str) -> None:
    problem(http.get(f"/datasets/{name}{path}"), 404, "dataset-not-found")


def test_a_folder_of_the_server_is_listed_and_has_no_card(http: httpx.Client) -> None:
    assert http.get("/datasets").json()["folders"] == ["mnist"]
    assert "is a folder of the server" in problem(http.get("/datasets/mnist"), 404, "dataset-not-found")["detail"]


def test_the_pages_hold_every_data_set_once_newest_first(
    http: httpx.Client, services: Services, icons: DatasetCard, faulty: DatasetCard
) -> None:
    for seed in range(3):
        shelve(services, colourful(4, seed=10 + seed), name=f"page-{seed}")
    found: list[str] = []
    url: str | None = "/datasets?limit=2"
    while url:
        page = http.get(url).raise_for_status().json()
        assert len(page["data"]) == 2 or not page["has_more"]
        found += [one["id"] for one in page["data"]]
        url = page["next"]
    assert found == services.datasets.newest_first()
    assert [http.get(f"/datasets/{one}").json()["names"] for one in found[:3]] == [["page-2"], ["page-1"], ["page-0"]]
    problem(http.get("/datasets?after=f00"), 404, "dataset-not-found")


def test_a_damaged_card_is_left_out_of_the_list_and_named_by_itself(
    http: httpx.Client, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    card = shelve(services, colourful(4, seed=20), name="damaged")
    (services.datasets.folder(card.dataset_id) / CARD).write_text("{}")
    assert card.dataset_id not in [one["id"] for one in http.get("/datasets?limit=100").json()["data"]]
    assert "log names the file" in problem(http.get("/datasets/damaged"), 503, "dataset-damaged")["detail"]
    assert f"{card.dataset_id}/{CARD}" in caplog.text


@pytest.mark.parametrize(("query", "numbers"), [("", range(250)), ("&code=duplicate", range(0, 250, 5))])
def test_problems_come_in_pages_in_their_order(
    http: httpx.Client, faulty: DatasetCard, query: str, numbers: range
) -> None:
    found: list[int] = []
    url: str | None = f"/datasets/faulty/problems?limit=40{query}"
    while url:
        page = http.get(url).raise_for_status().json()
        assert len(page["data"]) == 40 or not page["has_more"]
        found += [int(one["file"].split("/")[-1].removesuffix(".png")) for one in page["data"]]
        url = page["next"]
    assert found == list(numbers)


def test_a_data_set_without_problems_has_an_empty_page(http: httpx.Client, icons: DatasetCard) -> None:
    assert http.get("/datasets/icons/problems").json() == {"data": [], "has_more": False, "next": None}


def test_the_floor_is_there_once_something_was_trained(http: httpx.Client, services: Services) -> None:
    card = shelve(services, colourful(4, seed=25), name="floor")
    missing = problem(http.get("/datasets/floor/floor"), 404, "not-found")
    assert "first job that trains on it" in missing["detail"]
    floor = Floor(judge="0" * 16, images=4, compared_by="kid", scores=score_sheet().floor)
    (services.datasets.folder(card.dataset_id) / FLOOR).write_text(floor.model_dump_json(indent=2))
    assert Floor.model_validate(http.get("/datasets/floor/floor").json()) == floor
