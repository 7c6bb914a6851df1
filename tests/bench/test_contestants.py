"""The contestants of the training bench run and answer; how fast they are is the bench's business."""

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["sgemm", "plain", "ours", "bare", "shaped 32 3 4 4 2 1"])
def test_a_contestant_answers_each_line_with_a_rate_and_its_memory(name: str) -> None:
    command = [sys.executable, "-m", *f"bench.contestants.{name}".split()]
    done = subprocess.run(command, input="16 2\n16 2\n", capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 2
    for answer in answers:
        assert answer["rate"] > 0
        assert answer["peak_mb"] > 10
