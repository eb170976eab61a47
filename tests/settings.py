"""The settings tests run under: config.settings, faster passwords, no pool, and no Redis for the cache."""

import os

os.environ.setdefault("DATABASE_URL", "postgresql://backroom@localhost/backroom")
os.environ.setdefault("REDIS_URL", "redis://localhost:6379/0")
os.environ.setdefault("EMAIL_URL", "memory://")

from config.settings import *  # noqa: F403
from config.settings import DATABASES

TESTING = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DATABASES["default"]["OPTIONS"].pop("pool", None)
DATABASES["default"] |= {
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "TEST": {"NAME": os.environ.get("BACKROOM_TEST_DB") or "test_backroom"},
}
SOURCING_PROFILE_SECONDS = 0.0  # a test that changes a node's figures sees them at once
RELAY_WAKES = False  # nobody listens at the broker; tests drain the outbox themselves
WHITENOISE_AUTOREFRESH = True  # files are looked for when asked for: each test client would list them all
