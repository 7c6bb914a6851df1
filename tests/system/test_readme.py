"""What the README tells a stranger to type works as it is written, but for the port."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.service import Service
from tests.system.jobs import cancel

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_the_curl_lines_of_the_readme_work(service: Service, http: httpx.Client, tmp_path: Path) -> None:
    lines = re.findall(r"^curl .*$", README.read_text(encoding="utf-8"), re.MULTILINE)
    answers = [
        subprocess.run(
            line.replace("curl", "curl --fail", 1).replace("localhost:8000", service.base),
            shell=True,
            check=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        ).stdout
        for line in lines
    ]
    (job_id,) = set(re.findall(r'"id":"(\w+)"', answers[1]))
    cancel(http, job_id)
    assert f'"id":"{job_id}"' in answers[2]
    with Image.open(tmp_path / "digits.png") as digits:
        assert digits.size == (10 * 28 + 9 * 2, 2 * 28 + 2)
