"""The cache may go away at any time; nothing but speed may depend on it."""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class KeptClient(RedisCacheClient):
    """Django makes a client for every operation, which takes its time; one lasts as long as its pool."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if write not in self._kept:
            self._kept[write] = super().get_client(key, write=write)
        return self._kept[write]


class ForgivingRedisCache(RedisCache):
    """Redis that, while it can't be reached, answers like an empty cache instead of failing the request."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient

    def _attempt(self, name: str, otherwise: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except (RedisError, OSError) as error:
            log.warning("cache.unreachable", extra={"operation": name, "error": type(error).__name__})
            return otherwise

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        return self._attempt("add", True, key, value, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._attempt("get", default, key, default, version=version)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        self._attempt("set", None, key, value, *args, **kwargs)

    def touch(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        return self._attempt("touch", False, key, *args, **kwargs)

    def delete(self, key: Any, version: int | None = None) -> Any:
        return self._attempt("delete", False, key, version=version)

    def get_many(self, keys: Any, version: int | None = None) -> Any:
        return self._attempt("get_many", {}, keys, version=version)

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return self._attempt("set_many", list(data), data, *args, **kwargs)

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        self._attempt("delete_many", None, keys, version=version)

    def has_key(self, key: Any, version: int | None = None) -> Any:
        return self._attempt("has_key", False, key, version=version)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        return self._attempt("incr", delta, key, delta, version=version)

    def clear(self) -> Any:
        return self._attempt("clear", False)
