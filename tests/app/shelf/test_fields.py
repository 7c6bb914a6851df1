"""GET /models?fields=: parts of each model."""

import httpx

from tests.app.http.test_errors import problem


def test_what_is_shown_is_what_the_whole_has_in_the_same_places(http: httpx.Client) -> None:
    whole = http.get("/models?limit=3").json()
    for fields in ("id", "id,labels,note", "card", "card,epoch", "created_at,scores", "id, recipe,active"):
        page = http.get("/models", params={"limit": 3, "fields": fields}).json()
        names = {name.strip() for name in fields.split(",")}
        of_card = names - whole["data"][0].keys()
        assert {**page, "data": None, "next": None} == {**whole, "data": None, "next": None}
        for row, full in zip(page["data"], whole["data"], strict=True):
            expected = {name: full[name] for name in names & full.keys()}
            if of_card and "card" not in names:
                expected["card"] = {name: full["card"][name] for name in of_card}
            assert row == expected


def test_the_next_page_shows_the_same(http: httpx.Client) -> None:
    page = http.get("/models?limit=1&fields=id,active").json()
    assert http.get(page["next"]).json()["data"][0].keys() == {"id", "active"}


def test_a_part_that_there_is_not_is_refused_with_those_that_there_are(http: httpx.Client) -> None:
    for fields in ("", "id,", "ids", "card.scores"):
        (error,) = problem(http.get("/models", params={"fields": fields}), 422, "invalid-parameter")["errors"]
        assert (error["parameter"], error["value"]) == ("fields", fields)
        assert "allowed: id, active, dataset" in error["detail"]
