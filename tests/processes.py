"""Which tests start processes: told from the code that they run, so that no test can be marked wrong."""

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest

STARTERS = ("subprocess", "multiprocessing")


def starts_processes(item: pytest.Item) -> bool:
    """Whether a test starts a process: itself, by a fixture, or by whatever it calls of the package `tests`.

    Redis is none of them: `RedisServer` starts it, which is not a part of `tests`.
    """
    if not isinstance(item, pytest.Function):
        return False
    waiting: list[Any] = [item.function, *(found[-1].func for found in item._fixtureinfo.name2fixturedefs.values())]
    seen: list[Any] = []
    while waiting:
        it = waiting.pop()
        if any(it is other for other in seen):
            continue
        seen.append(it)
        for used in _globals_of(it):
            home = _home(used)
            if home in STARTERS:
                return True
            if home.startswith("tests."):
                waiting.append(used)
    return False


def _home(value: Any) -> str:
    """The name of the module that a value is, or was defined in."""
    return value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None) or ""


def _globals_of(it: Any) -> Iterator[Any]:
    """The module-level values that a function, or a class by any of its methods, names."""
    for function in vars(it).values() if inspect.isclass(it) else [inspect.unwrap(it)]:
        if isinstance(function, FunctionType):
            names = set(_names(function.__code__)) & set(function.__globals__)
            yield from (function.__globals__[name] for name in names)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
