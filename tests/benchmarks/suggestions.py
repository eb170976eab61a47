"""How long it takes to count a million carried-out actions anew, and how fast the pages that show the counts are.

`raw_rate` is the same million grouped by reason and action in one bare statement that judges nothing.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from core.models import User
from exceptions import reasons
from exceptions.models import Case
from exceptions.services import history, learning
from exceptions.suggesting.learning import available
from tests.benchmarks._ground import own_database
from tests.benchmarks.stock import _get, _times

RUNS = 1_000_000


def run(options: Any) -> dict[str, Any]:
    """`--size` runs, one in four followed by another on the same case, each with a suggestion that was decided."""
    with own_database("suggestions"):
        return _measure(options["size"] or RUNS)


def _measure(runs: int) -> dict[str, Any]:
    from config.demo import bulk

    bulk.cases(runs * 3 // 4, open_share=0.05)
    acts = [(reason.code, action.code) for reason in reasons.every() for action in reason.actions if action.run]
    codes, actions = [code for code, _ in acts], [action for _, action in acts]
    for table, statement, given in (
        ("exceptions_actionrun", _RUNS, [runs, codes, actions, len(acts)]),
        ("exceptions_suggestion", _SUGGESTIONS, None),
    ):
        with bulk._indexes_afterwards(table), connection.cursor() as cursor:
            cursor.execute(statement, given)
    raw = _timed(_bare)
    first, again = _timed(history.recount), _timed(history.recount)
    pairs = learning.pairs()
    learnt = _timed(lambda: [learning.learn(*pair) for pair in pairs[:5]]) if available() else 0.0
    client = _person()
    code, action = _always_offered()
    case = Case.objects.still_open().filter(reason=code).order_by("pk").first()
    if case:  # invented subjects have no number; reasons look theirs up by one
        Case.objects.filter(pk=case.pk).update(subject_uid="0")
    pages = {
        "by_reason": "/exceptions/suggestions/",
        "of_reason": f"/exceptions/suggestions/{code}",
        "runs": f"/exceptions/suggestions/{code}/runs?action={action}",
        **({"panel": f"/exceptions/{case.pk}/suggestion"} if case else {}),
    }
    found = {name: _times(lambda path=path: _get(client, path)) for name, path in pages.items()}
    return {
        "name": "suggestions",
        "rate": runs / again,
        "raw_rate": runs / raw,
        "ratio": raw / again,
        **found["by_reason"],
        "recount_seconds": [round(first, 2), round(again, 2)],
        "learn_seconds_each": round(learnt / 5, 2),
        "pages": found,
        "settings": {"runs": runs, "actions": len(acts), "learnt_pairs": len(pairs), "counted_of_each": history.MOST},
    }


def _always_offered() -> tuple[str, str]:
    """An action whose panel ranks it whatever its subject: the bench's subjects are no real ones."""
    return next(
        (reason.code, action.code)
        for reason in reasons.every()
        for action in reason.actions
        if action.run and action.offered is None
    )


def _timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason, action, count(*) FROM exceptions_actionrun WHERE ok GROUP BY 1, 2")
        cursor.fetchall()


def _person() -> Client:
    user = User.objects.create_user("bench.suggestions@example.com", name="Bench Suggestions")
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_case", "work_case")))
    client = Client()
    client.force_login(user)
    return client


# Each case gets some action; every third try is a second one. How many cases there are is asked by itself: as a column of
# the cases it would keep the two sides from being hashed, and every run be compared with every case.
_RUNS = """
INSERT INTO exceptions_actionrun (
    case_id, reason, action, title, actor_kind, actor_uid, actor_label, ok, created_at
)
SELECT c.id, a.reason, a.action, 'Bench', 'PERSON', '1', 'Bench', true,
    now() - make_interval(secs => (n * 7919::bigint) %% (360 * 86400))
FROM generate_series(1, %s) AS n
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM exceptions_case) c
    ON c.nth = 1 + n %% (SELECT count(*) FROM exceptions_case)
JOIN unnest(%s::text[], %s::text[]) WITH ORDINALITY AS a(reason, action, i) ON a.i = 1 + n %% %s
"""
_SUGGESTIONS = """
INSERT INTO exceptions_suggestion (
    case_id, reason, action, context, trials, held, probability, low, status, why_not, instead, decided_at, worked,
    created_at
)
SELECT case_id, reason, action, '', 100, 80, 0.8, 0.7,
    CASE WHEN id % 5 = 0 THEN 'OVERRIDDEN' ELSE 'ACCEPTED' END,
    CASE WHEN id % 5 = 0 THEN 'Not here, reason ' || id % 7 ELSE '' END, id % 10 = 0, created_at,
    CASE WHEN id % 5 <> 0 THEN id % 4 <> 0 END, created_at
FROM exceptions_actionrun
"""
