"""Every event and who hears it, on one page.

`events.subscribe(TYPE, "name", function, …)`: the name is stored with each delivery, so it never changes once used.
"""

from __future__ import annotations


def connect() -> None:
    """Called once, when every app is ready."""
