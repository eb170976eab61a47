"""Every event and who hears it, on one page.

`events.subscribe(TYPE, "name", function, …)`: the name is stored with each delivery, so it never changes once used.
"""

from __future__ import annotations

from core import events


def connect() -> None:
    """Called once, when every app is ready."""
    _orders()


def _orders() -> None:
    from orders import events as facts
    from orders import tasks

    events.subscribe(facts.ALLOCATED, "orders.release", tasks.release)
    events.subscribe(facts.HOLD_RESOLVED, "orders.release_after_hold", tasks.release)
    events.subscribe("item.alias_added", "orders.map_lines", tasks.map_lines)
