"""The live stream and nothing else; pages and the API are served by config.wsgi."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from core.live.stream import application  # noqa: E402

__all__ = ["application"]
