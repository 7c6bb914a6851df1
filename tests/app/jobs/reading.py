"""A job's events as a client reads them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

Event = dict[str, Any]


def stream(http: httpx.Client, job_id: str, after: str | None = None) -> Iterator[Event]:
    """The events of one connection, by a parser of our own."""
    headers = {"accept": "text/event-stream"} | ({"last-event-id": after} if after else {})
    with http.stream("GET", f"/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "id" in fields:
                yield {"id": fields["id"], "type": fields["event"], "data": json.loads(fields["data"])}
                fields = {}


def pages(http: httpx.Client, job_id: str, limit: int = 7) -> list[Event]:
    """All events, by pages."""
    events: list[Event] = []
    url: str | None = f"/jobs/{job_id}/events?format=json&limit={limit}"
    while url:
        answer = http.get(url).raise_for_status()
        assert "x-accel-buffering" not in answer.headers  # a proxy may buffer what is no stream
        page = answer.json()
        assert len(page["data"]) == limit or not page["has_more"]
        events += page["data"]
        url = page["next"]
    return events
