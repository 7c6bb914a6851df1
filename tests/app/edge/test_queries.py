"""A query parameter is given once."""

import httpx
import pytest

from tests.app.http.test_errors import problem


@pytest.mark.parametrize(
    ("url", "doubled"),
    [
        ("/generate?digit=1&digit=2", {"digit": ["1", "2"]}),
        ("/generate?n=4&n=9", {"n": ["4", "9"]}),
        ("/generate?n=4&n=4", {"n": ["4", "4"]}),
        ("/generate?n=4&seed=1&%6e=9", {"n": ["4", "9"]}),
        ("/generate?n=4&n=", {"n": ["4", ""]}),
        ("/generate?n=1&seed=1&n=2&seed=2&n=3", {"n": ["1", "2", "3"], "seed": ["1", "2"]}),
        ("/jobs?limit=1&limit=2", {"limit": ["1", "2"]}),
        ("/jobs/nobody?wait=1&wait=2", {"wait": ["1", "2"]}),
        ("/jobs/nobody/events?after=1-0&after=2-0", {"after": ["1-0", "2-0"]}),
        ("/jobs/nobody/logs?tail=1&tail=2", {"tail": ["1", "2"]}),
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(
    http: httpx.Client, url: str, doubled: dict[str, list[str]]
) -> None:
    errors = problem(http.get(url), 422, "invalid-parameter")["errors"]
    assert {error["parameter"]: error["value"] for error in errors} == doubled
    assert all("once" in error["detail"] for error in errors)


@pytest.mark.parametrize("query", ["n=4&seed=1&&pad=0", "n=4&%70ad=0&", "%6e=4", "n=4&digit=11"])
def test_parameters_that_are_given_once_are_taken(http: httpx.Client, query: str) -> None:
    assert http.get(f"/generate?{query}").status_code == 200
