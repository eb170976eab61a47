"""The environment our screens are rendered in."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from jinja2 import Environment, StrictUndefined


def environment(**options: Any) -> Environment:
    made = Environment(**{"undefined": StrictUndefined, **options})  # noqa: S701  (autoescape comes from settings)
    made.globals.update(static=static, url=reverse)
    return made
