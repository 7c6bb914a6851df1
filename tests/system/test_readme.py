"""What the README tells a stranger to type works as it is written, but for the port."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.imported import colourful
from tests.service import Service, follow
from tests.system.jobs import cancel

README = Path(__file__).resolve().parents[2] / "README.md"


def typed(section: str) -> list[str]:
    """The commands of a section: what it shows, but for what answers."""
    text = README.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^(?:curl|python3) .*$", text, re.MULTILINE)


def answer_of(line: str, service: Service, folder: Path) -> str:
    """What a command of the README prints, here."""
    own = line.replace("curl", "curl --fail", 1).replace("localhost:8000", service.base)
    own = own.replace("python3", sys.executable, 1)
    return subprocess.run(own, shell=True, check=True, cwd=folder, capture_output=True, text=True).stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_the_curl_lines_of_the_readme_work(service: Service, http: httpx.Client, tmp_path: Path) -> None:
    answers = [answer_of(line, service, tmp_path) for line in typed("Use")]
    (job_id,) = set(re.findall(r'"id":"(\w+)"', answers[1]))
    cancel(http, job_id)
    assert f'"id":"{job_id}"' in answers[2]
    with Image.open(tmp_path / "digits.png") as digits:
        assert digits.size == (10 * 28 + 9 * 2, 2 * 28 + 2)


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_five_commands_lead_from_a_folder_of_pictures_to_ones_own_images(
    service: Service, http: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / "icons").mkdir()
    for k, pixels in enumerate(colourful(60, side=16)):
        Image.fromarray(pixels).save(tmp_path / "icons" / f"{k}.png")
    pack, upload, look, train, draw = typed("Your own images")
    answer_of(pack, service, tmp_path)
    follow(http, json.loads(answer_of(upload, service, tmp_path))["id"], "succeeded")
    assert json.loads(answer_of(look, service, tmp_path))["card"]["image_shape"] == {"side": 16, "channels": 3}
    short = train.replace("}'", ', "epochs": 1, "passes": 1, "g_filters": 4, "d_filters": 4}\'')
    follow(http, json.loads(answer_of(short, service, tmp_path))["id"], "succeeded")
    answer_of(draw, service, tmp_path)
    with Image.open(tmp_path / "icons.png") as icons:
        assert (icons.mode, icons.size) == ("RGB", (8 * 18 - 2, 8 * 18 - 2))
