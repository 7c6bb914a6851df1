"""Which errors of Redis say that it serves nobody at the moment."""

from redis.exceptions import (
    ClusterDownError,
    ConnectionError,  # noqa: A004
    OutOfMemoryError,
    ReadOnlyError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

_AWAY = (ConnectionError, TimeoutError, OutOfMemoryError, ReadOnlyError, ClusterDownError, TryAgainError)
_AWAY_CODES = ("MISCONF ", "BUSY ", "NOREPLICAS ")  # of replies that redis-py has no class for


def is_redis_away(error: Exception) -> bool:
    """Whether Redis cannot serve anybody at the moment. Otherwise it answered, and the call itself was wrong."""
    return isinstance(error, _AWAY) or str(error).startswith(_AWAY_CODES)
