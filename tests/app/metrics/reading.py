"""What a scrape says, as numbers by name and labels."""

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(http: httpx.Client) -> Samples:
    return samples(http.get("/metrics").raise_for_status().text)


def samples(text: str) -> Samples:
    """Raises AssertionError for a series that is there twice."""
    found: Samples = {}
    for family in parse(text):
        for name, labels, value, *_ in family.samples:
            key = name, frozenset(labels.items())
            assert key not in found, f"{name} {labels} twice"
            found[key] = value
    return found


def families(text: str) -> list[Metric]:
    return list(parse(text))


def openmetrics(text: str) -> list[Metric]:
    return list(parse_openmetrics(text))  # type: ignore[no-untyped-call]


def one(found: Samples, name: str, **labels: str) -> float:
    """A series; 0 where it is not there."""
    return found.get((name, frozenset(labels.items())), 0.0)


def summed(found: Samples, name: str) -> float:
    """All series of a name."""
    return sum(value for (called, _), value in found.items() if called == name)
