"""What a process logs that nobody has caught, and what its libraries log: in the format that the settings say."""

import json
import subprocess

from core.startup import PYTHON

PROGRAM = """
import logging, threading, warnings
from core.logs import log_to_stderr
from core.settings import Settings

log_to_stderr(Settings(log_format="json", log_level="info"), "worker")
logging.getLogger("celery").info("of a library")
logging.getLogger("celery").debug("below the level")
warnings.warn("of Python")
thread = threading.Thread(target=lambda: 1 / 0, name="lane")
thread.start()
thread.join()
raise ValueError("redis://:s3cret@localhost")
"""


def test_everything_is_json_also_what_nobody_caught() -> None:
    ended = subprocess.run([*PYTHON, "-c", PROGRAM], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    library, warning, in_thread, uncaught = (json.loads(line) for line in ended.stderr.splitlines())
    assert (library["logger"], library["level"], library["message"]) == ("celery", "info", "of a library")
    assert (warning["level"], "of Python" in warning["message"]) == ("warning", True)
    assert ("lane" in in_thread["message"], in_thread["level"]) == (True, "critical")
    assert "ZeroDivisionError" in in_thread["exception"]
    assert "ValueError: redis://:***@localhost" in uncaught["exception"]
    assert {line["process"] for line in (library, warning, in_thread, uncaught)} == {"worker"}
