"""The filter of system calls, run by an interpreter of its bytecode: also for the machine that no test runs on."""

import re
import struct
from pathlib import Path

import pytest

from worker.importing.seccomp import ALLOW, ARCHITECTURES, KILL, REFUSE, bytecode
from worker.importing.system_calls import CALLS, SIGNALS

X86_64, AARCH64 = 0, 1
PID = 4711
HEADERS = (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm-generic/unistd.h"))
NEEDED = {
    "read": (0, 63),
    "write": (1, 64),
    "mmap": (9, 222),
    "openat": (257, 56),
    "pread64": (17, 67),
    "exit": (60, 93),
}


def verdict(code: bytes, number: int, architecture: int, argument: int = 0) -> int:
    """What a filter answers to a call with this first argument."""
    at, value = 0, 0
    while True:
        instruction, if_true, if_false, constant = struct.unpack_from("<HBBI", code, 8 * at)
        at += 1
        match instruction:
            case 0x20:
                value = {0: number, 4: architecture, 16: argument}[constant]
            case 0x15:
                at += if_true if value == constant else if_false
            case 0x35:
                at += if_true if value >= constant else if_false
            case 0x06:
                return int(constant)


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_the_filter_refuses_its_calls_and_no_others(machine: int) -> None:
    code, architecture = bytecode(machine, PID), ARCHITECTURES[machine]
    refused = {numbers[machine] for numbers in [*CALLS.values(), *SIGNALS.values()]}
    for number in range(500):
        assert verdict(code, number, architecture) == (REFUSE if number in refused else ALLOW)
    assert refused.isdisjoint(numbers[machine] for numbers in NEEDED.values())
    for numbers in SIGNALS.values():
        assert verdict(code, numbers[machine], architecture, PID) == ALLOW  # to itself
        assert verdict(code, numbers[machine], architecture, PID + 1) == REFUSE
    assert verdict(code, 0x40000000 + 41, architecture) == REFUSE  # a socket, by x32's number
    assert verdict(code, 0, ARCHITECTURES[1 - machine]) == KILL


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_the_numbers_are_those_of_the_kernels_headers(machine: int) -> None:
    if not HEADERS[machine].is_file():
        pytest.skip(f"no {HEADERS[machine]} here: install the kernel's headers")
    lines = HEADERS[machine].read_text(encoding="utf-8")
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", lines)}
    known = {name: call[machine] for name, call in {**CALLS, **SIGNALS}.items() if name in numbers}
    assert known == {name: numbers[name] for name in known}
    assert len(known) > 90
