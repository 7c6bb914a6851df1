"""Which commands of Redis the service uses, and whether its user may.

Under an ACL without one of them most things work and some fail hours later, so each start asks for all.
"""

from collections.abc import Sequence
from typing import Any

from redis import Redis, ResponseError
from redis.exceptions import NoPermissionError

from jobs import keys

_KEY, _MESSAGES, _UNACKED = f"{keys.PREFIX}probe", "digitforge", "unacked"
_BINDING = "_kombu.binding.digitforge"

# One call of each: such as Redis would carry out, were it not queued and then thrown away.
CALLS: tuple[tuple[str | int, ...], ...] = (
    ("PING",),
    ("TIME",),
    ("INFO", "server"),
    ("CLIENT", "LIST"),
    ("CLIENT", "SETNAME", "probe"),
    ("SCAN", 0),
    ("EVALSHA", "0" * 40, 0),
    ("SCRIPT", "LOAD", "return 1"),
    ("DEL", _KEY),
    ("EXISTS", _KEY),
    ("EXPIRE", _KEY, 1),
    ("PEXPIRE", _KEY, 1),
    ("PEXPIREAT", _KEY, 1),
    ("PTTL", _KEY),
    ("TYPE", _KEY),
    ("GET", _KEY),
    ("MGET", _KEY),
    ("SET", _KEY, ""),
    ("HDEL", _KEY, ""),
    ("HEXISTS", _KEY, ""),
    ("HGET", _KEY, ""),
    ("HGETALL", _KEY),
    ("HINCRBY", _KEY, "", 1),
    ("HKEYS", _KEY),
    ("HLEN", _KEY),
    ("HMGET", _KEY, ""),
    ("HSET", _KEY, "", ""),
    ("HSETNX", _KEY, "", ""),
    ("LLEN", _KEY),
    ("LPUSH", _KEY, ""),
    ("LRANGE", _KEY, 0, 0),
    ("LTRIM", _KEY, 0, 0),
    ("RPUSH", _KEY, ""),
    ("SADD", _KEY, ""),
    ("SISMEMBER", _KEY, ""),
    ("SMEMBERS", _KEY),
    ("SREM", _KEY, ""),
    ("XADD", _KEY, "*", "", ""),
    ("XRANGE", _KEY, "-", "+"),
    ("XREAD", "STREAMS", _KEY, 0),
    ("XREVRANGE", _KEY, "+", "-"),
    ("ZADD", _KEY, 0, ""),
    ("ZCARD", _KEY),
    ("ZRANGE", _KEY, 0, 0),
    ("ZRANGEBYSCORE", _KEY, 0, 0),
    ("ZREM", _KEY, ""),
    ("ZREVRANGEBYSCORE", _KEY, 0, 0),
    ("ZSCORE", _KEY, ""),
    ("BRPOP", _MESSAGES, 1),
    ("HSET", _UNACKED, "", ""),
    ("SADD", _BINDING, ""),
)
LATER: tuple[tuple[str | int, ...], ...] = (("WAITAOF", 1, 0, 1),)  # since 7.2; older servers get along without
ALWAYS = ("multi", "exec", "discard")  # by which the calls are asked about
UNASKED = ("client|setinfo",)  # redis-py says its version with it, and goes on without; Redis would log each refusal
KEYS = (f"{_MESSAGES}*", "_kombu.*", f"{_UNACKED}*")


def names() -> set[str]:
    """The commands as an ACL names them: `hset`, or `client|list` where only one of its kind is used."""
    calls = (*CALLS, *LATER)
    used = {f"{call[0]}|{call[1]}" if call[0] in ("CLIENT", "SCRIPT") else str(call[0]) for call in calls}
    return {name.lower() for name in used} | set(ALWAYS) | set(UNASKED)


def refused(redis: "Redis") -> list[str]:
    """What Redis says of each call that this user may not make; none is carried out. Raises redis' RedisError."""
    # Not by the client: it would try to understand QUEUED as the answer of each call.
    connection: Any = redis.connection_pool.get_connection()
    try:
        if said := _said_of(connection, [("MULTI",), ("EXEC",)]):
            return said  # without them, the calls would be carried out
        return _said_of(connection, [("MULTI",), *CALLS, *LATER, ("DISCARD",)])
    finally:
        connection.disconnect()
        redis.connection_pool.release(connection)


def _said_of(connection: Any, calls: Sequence[tuple[str | int, ...]]) -> list[str]:
    said = []
    for call in calls:
        connection.send_command(*call)
        try:
            connection.read_response()
        except ResponseError as error:
            if isinstance(error, NoPermissionError) or "NOPERM" in str(error):  # the latter at an EXEC
                said.append(str(error))
                if call[0] == "MULTI":
                    return said
            elif call not in LATER:  # which an older server does not know
                raise
    return said
