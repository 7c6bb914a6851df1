"""A network of hosts on this machine: a bridge, and a network namespace for each host. It takes root and iproute2."""

import atexit
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

MARK = "df"  # before the process id, in the names of bridges, interfaces and namespaces
NAMED = re.compile(rf"{MARK}(\d+)[a-z]?")
OF_HOST = "eth0"  # a host's interface, as itself sees it
CALL_S = 20.0


def why_there_is_none() -> str | None:
    """Why no network can be made here, or None where it can."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    if shutil.which("ip") is None:
        return "network namespaces take `ip`, of Debian's iproute2"
    try:
        with Network(["a"]):
            return None
    except subprocess.CalledProcessError as error:
        return f"no network namespaces here: {' '.join(error.cmd)}: {error.stderr.strip()}"


class Network:
    """Hosts that reach this machine at `address`, and that this machine reaches at theirs.

    All of it has this process' id in its name and is removed at its end; what a killed process left is removed first.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        """`hosts` are letters."""
        pid = os.getpid()
        self._bridge = f"{MARK}{pid}"
        self._net = f"198.{18 + (pid >> 8) % 2}.{pid % 256}"  # of RFC 2544's, which nobody routes
        self.address = f"{self._net}.1"
        self._numbers = {host: number for number, host in enumerate(hosts, start=2)}

    def __enter__(self) -> Self:
        _remove_what_is_left()
        atexit.register(self.remove)
        try:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("address", "add", f"{self.address}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            for host in self._numbers:
                self._add(host)
        except BaseException:
            self.remove()
            raise
        return self

    def _add(self, host: str) -> None:
        name = self._name(host)
        _ip("netns", "add", name)
        _ip("link", "add", name, "type", "veth", "peer", "name", OF_HOST, "netns", name)
        _ip("link", "set", name, "master", self._bridge, "up")
        _ip("-netns", name, "address", "add", f"{self.address_of(host)}/24", "dev", OF_HOST)
        for interface in ("lo", OF_HOST):
            _ip("-netns", name, "link", "set", interface, "up")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.remove()

    def address_of(self, host: str) -> str:
        """A host's address."""
        return f"{self._net}.{self._numbers[host]}"

    def cut(self, host: str) -> None:
        """Take a host's cable out: what is sent is lost, and nobody is told."""
        _ip("link", "set", self._name(host), "down")

    def mend(self, host: str) -> None:
        """Put it in again."""
        _ip("link", "set", self._name(host), "up")

    def command(self, host: str, hidden: Path) -> list[str]:
        """What runs a command on a host, as the same process: with the host's name, and an empty folder at `hidden`."""
        script = 'echo "host-$0" >/proc/sys/kernel/hostname && mount -t tmpfs -o ro none "$1" && shift && exec "$@"'
        inside = ["ip", "netns", "exec", self._name(host)]  # which has mounts of its own
        return [*inside, "unshare", "--uts", "sh", "-c", script, host, str(hidden)]

    def remove(self) -> None:
        """Remove all of it. What runs there goes on without a network."""
        atexit.unregister(self.remove)
        for host in self._numbers:
            _remove(self._name(host))
        _remove(self._bridge)

    def _name(self, host: str) -> str:
        return f"{self._bridge}{host}"


def _remove_what_is_left() -> None:
    """Remove the networks of processes that are gone."""
    for name in {*_names("netns", "list"), *_names("link", "show")}:
        found = NAMED.fullmatch(name)
        if found and not Path("/proc", found[1]).exists():
            _remove(name)


def _names(*command: str) -> list[str]:
    found: list[dict[str, Any]] = json.loads(_ip("-json", *command) or "[]")
    return [str(one.get("name", one.get("ifname"))) for one in found]


def _remove(name: str) -> None:
    for command in (("link", "delete", name), ("netns", "delete", name)):
        with suppress(subprocess.CalledProcessError):  # it is not there, or only one of the two
            _ip(*command)


def _ip(*command: str) -> str:
    return subprocess.run(["ip", *command], check=True, capture_output=True, text=True, timeout=CALL_S).stdout
