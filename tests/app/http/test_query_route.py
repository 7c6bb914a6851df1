"""What is parsed once is answered as if it were parsed each time."""

import httpx
import pytest

from app.http.recent import LONGEST


@pytest.mark.parametrize("query", ["n=4&seed=3", "seed=3&n=4", "n=04&seed=%33", f"n=4&seed={'0' * LONGEST}3"])
def test_the_same_query_is_answered_alike_every_time(http: httpx.Client, query: str) -> None:
    first, *others = (http.get(f"/generate?{query}") for _ in range(3))
    assert (first.status_code, first.headers["x-seed"]) == (200, "3")
    assert all(other.content == first.content for other in others)


@pytest.mark.parametrize("query", ["n=0", "n=", "seed=x", "colour=red", "n=4&cols=5", "seed=1&interpolate=1,2"])
def test_a_query_that_is_refused_is_refused_every_time(http: httpx.Client, query: str) -> None:
    first, second = (http.get(f"/generate?{query}", headers={"x-request-id": "one"}) for _ in range(2))
    assert first.status_code == 422
    assert second.json() == first.json()


def test_accept_is_a_part_of_what_is_remembered(http: httpx.Client) -> None:
    kinds = ["image/png", "application/json", "image/webp", "image/png", "text/plain", "application/json"]
    found = [http.get("/generate?n=4&seed=11", headers={"accept": kind}) for kind in kinds]
    assert [answer.status_code for answer in found] == [200, 200, 200, 200, 406, 200]
    assert [answer.headers["content-type"] for answer in found[:4]] == kinds[:4]


def test_a_parameter_that_was_named_at_its_default_is_not_taken_for_one_that_was_not(http: httpx.Client) -> None:
    assert http.get("/generate?n=4&seed=12").status_code == 200
    assert http.get("/generate?n=4&seed=12&frames=24").status_code == 422  # it has no meaning here
    assert http.get("/generate?n=4&seed=12").status_code == 200
