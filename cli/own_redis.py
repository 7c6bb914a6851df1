"""The Redis of a deployment, for commands beside the service: the one in the settings, or that of `digitforge up`."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli.redis_server import RedisServer, running_url
from core.errors import StartError
from core.settings import Settings

FOLDER, LOCK = "redis", "up.lock"


class DataInUse(StartError):
    """A `digitforge up` has the data folder."""


@contextmanager
def holding(data: Path) -> Iterator[int]:
    """Hold a data folder, so that two services never write one. Raises DataInUse when it is held.

    The descriptor is for the child processes: the lock is free once nobody has it any more, and so they share in it
    when this process is killed.
    """
    with (data / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataInUse(f"{data} is in use by another `digitforge up`; stop it first") from error
        yield file.fileno()


def is_given(settings: Settings) -> bool:
    """Whether DIGITFORGE_REDIS_URL is set; else the deployment is that of `digitforge up`, with a Redis of its own."""
    return "redis_url" in settings.model_fields_set


@contextmanager
def redis_of(settings: Settings) -> Iterator[str]:
    """The URL of the deployment's Redis.

    That of `digitforge up` is started for as long as the block lasts where the service does not run. StartError: there
    is none.
    """
    if is_given(settings):
        yield settings.redis_url
        return
    data = settings.data_dir.resolve()
    folder = data / FOLDER
    if not folder.is_dir():
        raise StartError(f"{data}: no `digitforge up` has run there; set DIGITFORGE_REDIS_URL or DIGITFORGE_DATA_DIR")
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(holding(data))
        except DataInUse:
            url = running_url(folder)
        else:
            url = stack.enter_context(RedisServer(folder, pass_fds=[lock])).url
        yield url
