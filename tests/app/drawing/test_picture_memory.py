import httpx

from app.drawing.picture_memory import LARGEST_SHARE, PictureMemory
from app.http.services import Services


def test_those_that_were_not_asked_for_the_longest_time_go_first() -> None:
    memory = PictureMemory(80)
    for name in "abcdefgh":
        memory.keep(name, name.encode() * 10)
    assert memory.get("a") == b"a" * 10
    memory.keep("i", b"i" * 10)
    assert memory.get("b") is None
    assert memory.get("a") == b"a" * 10
    assert [memory.get(name) is not None for name in "cdefghi"] == [True] * 7


def test_a_picture_that_would_drive_out_many_is_not_kept() -> None:
    memory = PictureMemory(80)
    memory.keep("large", b"x" * (80 // LARGEST_SHARE + 1))
    memory.keep("small", b"x" * (80 // LARGEST_SHARE))
    assert memory.get("large") is None
    assert memory.get("small") is not None


def test_a_memory_without_room_keeps_nothing() -> None:
    memory = PictureMemory(0)
    memory.keep("a", b"x")
    assert memory.get("a") is None


def test_a_url_that_names_a_seed_is_drawn_once_and_has_the_same_bytes(http: httpx.Client, services: Services) -> None:
    url = "/generate?n=4&seed=987654"
    first = http.get(url)
    assert services.pictures.get(first.headers["etag"]) == first.content
    again = http.get(url)
    assert again.content == first.content
    assert again.headers["server-timing"] == "memory"
    differing = {name for name in first.headers if first.headers[name] != again.headers.get(name)}
    assert differing == {"server-timing", "x-request-id"}


def test_the_same_picture_by_another_url_is_not_drawn_either(http: httpx.Client) -> None:
    assert "draw;dur" in http.get("/generate?n=4&seed=987655&cols=2&format=png").headers["server-timing"]
    assert (
        http.get("/generate?seed=987655&n=4&pad=2", headers={"accept": "image/png"}).headers["server-timing"]
        == "memory"
    )


def test_what_names_no_seed_is_drawn_each_time(http: httpx.Client) -> None:
    first, second = http.get("/generate?n=4"), http.get("/generate?n=4")
    assert first.headers["x-seed"] != second.headers["x-seed"]
    assert all("draw;dur" in answer.headers["server-timing"] for answer in (first, second))
