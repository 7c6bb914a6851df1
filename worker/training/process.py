"""A trainer process and its system: how it keeps its memory, what it runs on."""

import ctypes
import platform
import sys

import numpy as np
import torch

from worker.training.code_digest import code_digest
from worker.training.precision import has_bfloat16

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # mallopt(3)
OUT_OF_MEMORY = ("out of memory", "allocate memory", "ALLOC_FAILED")


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next allocation, instead of giving it back to the system.

    Each step allocates the same megabytes anew. Taken from the system they come page by page, some thousand page faults
    a step. With glibc only; elsewhere it does nothing.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def versions() -> dict[str, str]:
    """What the numbers that a process computes may depend on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": sys.platform,
    }


def device_name(device: torch.device) -> str:
    """The device for a person: which GPU, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def place_name(device: torch.device) -> str:
    """Which device of this machine it is, for a person: `cuda:1 NVIDIA H200`, or `cpu`."""
    return f"{device} {device_name(device)}" if device.type == "cuda" else str(device)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory could not be had, on the CPU or a GPU. Each library says so in its own words.

    What came of it while a CUDA graph was recorded may hide it, so the errors before are looked at too.
    """
    if error is None:
        return False
    said = str(error)
    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or (isinstance(error, RuntimeError) and any(words in said for words in OUT_OF_MEMORY))
        or is_out_of_memory(error.__context__)
    )


def numerics(device: torch.device) -> dict[str, str]:
    """What decides the last bits of what this process computes on `device`: another order of sums rounds otherwise."""
    return {
        **versions(),
        "code": code_digest(),
        "device": device_name(device),
        "threads": str(torch.get_num_threads()),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": str(has_bfloat16(device)),
    }
