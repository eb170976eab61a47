"""Reading the environment: every value Backroom takes from outside goes through one of these."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class Missing(Exception):
    """A value production can't do without."""


def text(name: str, default: str | None = None) -> str:
    """The value of `name`; an empty one counts as absent. Without a default it must be there."""
    value = os.environ.get(name, "") or default
    if value is None:
        raise Missing(f"Set the environment variable {name} (see docs/operations.md).")
    return value


def flag(name: str, default: bool = False) -> bool:
    return text(name, "1" if default else "0").strip().lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    return int(text(name, str(default)))


def listing(name: str, default: str = "") -> list[str]:
    """Comma-separated values, blanks dropped."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def database(url: str) -> dict[str, Any]:
    """postgresql://user:password@host:port/name?option=value as Django wants it; ?host=/folder names a socket."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise Missing("DATABASE_URL must start with postgresql:// (no other database is supported).")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or options.pop("user", "")),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": options,
    }


def broker(redis_url: str) -> str:
    """The same Redis in the form Celery spells it (a unix socket has its own scheme there)."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    db = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{parts.path}?virtual_host={db}"


def mail(url: str) -> dict[str, Any]:
    """smtp://user:password@host:port?tls=starttls|ssl, file:///folder, console:// or memory:// as Django settings."""
    parts = urlsplit(url)
    backend = "django.core.mail.backends."
    if parts.scheme == "smtp":
        tls = dict(parse_qsl(parts.query)).get("tls", "")
        return {
            "EMAIL_BACKEND": backend + "smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname or "localhost",
            "EMAIL_PORT": parts.port or 25,
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_TLS": tls == "starttls",
            "EMAIL_USE_SSL": tls == "ssl",
            "EMAIL_TIMEOUT": 10,
        }
    if parts.scheme == "file":
        return {"EMAIL_BACKEND": backend + "filebased.EmailBackend", "EMAIL_FILE_PATH": parts.path}
    if parts.scheme == "memory":
        return {"EMAIL_BACKEND": backend + "locmem.EmailBackend"}
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": backend + "console.EmailBackend"}
    raise Missing("EMAIL_URL must start with smtp://, file://, console:// or memory://.")
