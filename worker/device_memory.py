"""What a process holds of a device's memory, asked from outside it and without torch."""

import subprocess
from pathlib import Path

NVIDIA_SMI = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]


def memory_mb(pid: int, device: str | None) -> float:
    """Resident memory of a process where `device` is a CPU, else its memory on NVIDIA GPUs; 0 when it is gone."""
    return _resident_mb(pid) if device is None or device.startswith("cpu") else _on_gpus_mb(pid)


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def _on_gpus_mb(pid: int) -> float:
    try:
        rows = subprocess.run(NVIDIA_SMI, capture_output=True, text=True, timeout=5, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return 0.0
    return sum(float(used) for found, used in (row.split(",") for row in rows) if int(found) == pid)
