"""Lines as they are logged, in both formats."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest

from core.log_context import in_context
from core.logs import TEXT, JsonLines, TextLines

FORGED = "one\n2026-01-01 00:00:00,000 INFO app: another\r\x1b[2K\u2028"


@contextmanager
def logging_to(formatter: logging.Formatter) -> Iterator[tuple[logging.Logger, StringIO]]:
    stream = StringIO()
    logger, handler = logging.Logger("worker.sweeper"), logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    yield logger, stream


def fail() -> None:
    raise ValueError(FORGED)


def test_a_text_line_has_its_context_behind_it() -> None:
    with logging_to(TextLines(TEXT)) as (logger, stream), in_context(job_id="0a1b", request_id="r1", trace_id=""):
        logger.warning("job %s: struck", "0a1b")
    assert stream.getvalue().endswith(" WARNING worker.sweeper: job 0a1b: struck [job_id=0a1b request_id=r1]\n")


def test_what_is_logged_cannot_forge_a_text_line() -> None:
    with logging_to(TextLines(TEXT)) as (logger, stream):
        logger.info("%s", FORGED)
        try:
            fail()
        except ValueError:
            logger.exception("failed on %s", FORGED)
    first, second, *traceback = stream.getvalue().removesuffix("\n").split("\n")
    assert r"one\n2026" in first
    assert r"one\n2026" in second
    assert r"\r\x1b[2K\u2028" in second
    assert traceback[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in traceback)
    assert "\x1b" not in stream.getvalue()


def json_lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_is_an_object_with_its_context() -> None:
    with logging_to(JsonLines("worker")) as (logger, stream), in_context(job_id="0a1b", attempt=2):
        logger.error("%s", FORGED, extra={"fields": {"status": 500}, "context": {"request_id": "r1"}})
    (line,) = json_lines(stream)
    assert line.pop("time")[10:] > "T"
    assert line.pop("pid") > 0
    assert line == {
        "level": "error",
        "logger": "worker.sweeper",
        "message": FORGED,
        "process": "worker",
        "job_id": "0a1b",
        "attempt": 2,
        "request_id": "r1",
        "status": 500,
    }


def test_an_exception_is_one_text_of_a_json_line() -> None:
    with logging_to(JsonLines("worker")) as (logger, stream):
        try:
            fail()
        except ValueError:
            logger.exception("failed")
    (line,) = json_lines(stream)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert f"ValueError: {FORGED}" in line["exception"]


@pytest.mark.parametrize("formatter", [TextLines(TEXT), JsonLines("api")])
def test_no_line_shows_a_secret(formatter: logging.Formatter) -> None:
    key, url = "df_a1B2c3D4_" + "s3cret" * 6, "redis://:s3" + "cret@localhost"
    with logging_to(formatter) as (logger, stream), in_context(request_id=key):
        try:
            raise ValueError(url + key)
        except ValueError:
            logger.exception(f"Bearer {key[12:]}", extra={"fields": {"target": f"/generate?key={key}"}})
    assert stream.getvalue().count("***") >= 3
    assert "s3cret" not in stream.getvalue().replace('"s3cret" * 6', "")  # a traceback shows the code


def test_a_context_ends_with_its_block() -> None:
    with logging_to(JsonLines("api")) as (logger, stream):
        with in_context(job_id="0a1b"):
            pass
        logger.info("later")
    assert "job_id" not in json_lines(stream)[0]
