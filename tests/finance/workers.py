"""Workers that can be killed: `python -m tests.finance.workers` starts as many as it is asked for, each a fork.

Reads `start` lines from its standard input and answers each with the new worker's pid. A worker relays both queues
until it dies; the leases are short, so that what a dead one held comes back soon. With `--naive` they post without
looking whether the ERP has the sale already, which the tests must notice. With `--hinting` they tell the broker of what
they commit, as in production.
"""

from __future__ import annotations

import os
import sys
import time

LEASE_SECONDS = 3.0


def main() -> None:
    import django

    django.setup()
    if "--hinting" in sys.argv:
        from django.conf import settings

        settings.RELAY_WAKES = True
    if "--naive" in sys.argv:
        from integrations.erp.tryton import sales

        sales._Sale.candidates = lambda self: []  # type: ignore[method-assign]
    print("ready", flush=True)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            work()
        print(pid, flush=True)


def work() -> None:
    """Relay until killed, or until the test is gone."""
    from core import outbox

    parent = os.getppid()
    sys.stdin.close()
    while os.getppid() == parent:
        taken = sum(outbox.dispatch(queue, batch=2, seconds=LEASE_SECONDS).taken for queue in outbox.QUEUES)
        if not taken:
            time.sleep(0.05)
    os._exit(0)


if __name__ == "__main__":
    main()
