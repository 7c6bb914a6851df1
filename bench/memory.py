"""Does a trainer's memory grow? A real trainer process over 30 epochs, its resident memory after each.

python -m bench.memory
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

EPOCHS = 30
RECIPE = ["--preset", "faithful", "--num-images", "2560", "--epochs", str(EPOCHS)]


def resident_mb(pid: int, field: str) -> float:
    """`VmRSS` or `VmHWM`, the peak, of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Run, and print the memory after each epoch."""
    with tempfile.TemporaryDirectory() as run_dir:
        command = [sys.executable, "-m", "worker.training", *RECIPE, "--run-dir", run_dir]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trainer:
            assert trainer.stdout is not None
            for line in trainer.stdout:
                event = json.loads(line)
                if event["event"] == "epoch":
                    now, peak = resident_mb(trainer.pid, "VmRSS"), resident_mb(trainer.pid, "VmHWM")
                    print(f"epoch {event['epoch']:2d}: {now:.0f} MB, peak {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
