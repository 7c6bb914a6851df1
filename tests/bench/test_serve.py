"""The serving bench starts our API, and reads what wrk says; how fast it is is the bench's business."""

import urllib.request

import pytest

from bench.load import Measured, parse, resident_mb
from bench.serve import Server, ours

REPORT = """Running 2s test @ http://127.0.0.1:1/generate?n=16
  1 threads and 8 connections
  Latency Distribution
     50%  500.00us
     75%    5.10ms
     90%    6.00ms
     99%    1.25s
  1234 requests in 2.00s, 4.00MB read
  Non-2xx or 3xx responses: 7
Requests/sec:    617.50
Transfer/sec:      2.00MB
"""


def test_the_report_of_wrk_is_read() -> None:
    assert parse(REPORT) == Measured(0.5, 1250.0, 617.5, 7)
    assert parse(REPORT.replace("  Non-2xx or 3xx responses: 7\n", "")).failed == 0


def test_our_contestant_starts_without_redis_draws_and_ends() -> None:
    server = ours()
    server.start()
    try:
        with urllib.request.urlopen(f"{server.base}/generate?n=16") as answer:
            assert answer.read(8) == b"\x89PNG\r\n\x1a\n"
        assert resident_mb(server.process.pid) > 100
    finally:
        server.stop()
    assert server.process.poll() is not None
    assert resident_mb(server.process.pid) == 0


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(TimeoutError, match="No module named"):
        Server("none", ["python3", "-m", "bench.servers.there_is_none", "PORT"]).start()
