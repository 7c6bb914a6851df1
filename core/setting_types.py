"""The types of settings: what a text from the environment must be, and what it becomes."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field
from pydantic_settings import NoDecode

from core.access import Limit


def _expand_home(path: Path | str) -> Path:
    """`~` as a shell would have it, in values that no shell has read."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{error}; allowed: the path in full") from error


def _without_brackets(host: str) -> str:
    """An IPv6 address as it is, also where it is written as in a URL."""
    return host.removeprefix("[").removesuffix("]")


AnyPath = Annotated[Path, BeforeValidator(_expand_home)]
LimitOfAll = Annotated[Limit, Field(strict=False)]  # a limit of each caller: the environment has texts alone
ExistingFolder = Annotated[DirectoryPath, BeforeValidator(_expand_home)]
Host = Annotated[str, AfterValidator(_without_brackets)]


def _split(value: Any) -> Any:
    """The items of a list that is written with commas."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


_HOST_NAME = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
ROOT_PATH = r"(/[A-Za-z0-9._~-]+)*"  # a path without a slash at its end


def _matching(pattern: str, allowed: str) -> AfterValidator:
    """Refuse a text that does not match the whole pattern, with what is allowed in place of the pattern."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"allowed: {allowed}")
        return value

    return AfterValidator(check)


def _network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError as error:
        raise ValueError("allowed: IP addresses and networks such as 127.0.0.1, 172.16.0.0/12") from error


def _address(value: str) -> str:
    try:
        return str(ip_address(_without_brackets(value)))
    except ValueError as error:
        raise ValueError("allowed: an IP address such as 127.0.0.1") from error


def _host_or_network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        if re.fullmatch(_HOST_NAME, value):
            return value.lower()
    raise ValueError("allowed: host names, IP addresses and networks such as hooks.example, 10.0.0.0/8")


def _joined(value: str) -> str:
    """A list without the blanks around its items."""
    return ",".join(_split(value))


def _as_browsers_write_it(origin: str) -> str:
    """An origin in small letters, and without the port that its scheme has anyway."""
    origin = origin.lower()
    return origin.removesuffix(":443") if origin.startswith("https:") else origin.removesuffix(":80")


Address = Annotated[str, AfterValidator(_address)]
HostName = Annotated[
    str,
    _matching(
        _HOST_NAME,
        "host names such as digits.example, with commas between, each without a scheme and a port",
    ),
]
Origin = Annotated[
    str,
    AfterValidator(_as_browsers_write_it),
    _matching(
        r"https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
        "origins such as https://digits.example or http://localhost:3000, with commas between, each without a path",
    ),
]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_split)]
HostsAndNetworks = Annotated[
    tuple[Annotated[str, AfterValidator(_host_or_network)], ...], NoDecode, BeforeValidator(_split)
]
HostNames = Annotated[tuple[HostName, ...], NoDecode, BeforeValidator(_split)]
Devices = Annotated[
    str,
    AfterValidator(_joined),
    _matching(
        r"auto|(cpu|cuda)(:\d{1,2})?(,(cpu|cuda)(:\d{1,2})?)*",
        "auto, or a list of cpu, cuda and cuda:0 to cuda:99, such as cuda:0,cuda:1",
    ),
]
RootPath = Annotated[
    str,
    _matching(ROOT_PATH, "a path such as /digits, of letters, digits and . _ ~ - between slashes, none at its end"),
]
