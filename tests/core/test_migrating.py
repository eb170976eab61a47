"""`manage.py migrate --quick` makes the same database as `manage.py migrate`."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

LOOKS = (
    (
        "SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length, is_generated,"
        " generation_expression FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    ),
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
    ),
    (
        "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        " ORDER BY 1, 2"
    ),
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 2",
    (
        "SELECT kind.app_label, kind.model, codename, may.name FROM auth_permission may"
        " JOIN django_content_type kind ON kind.id = may.content_type_id ORDER BY 1, 2, 3"
    ),
)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_quick_way_makes_the_same_tables():
    plain, quick = _made("plain"), _made("quick", quick=True)

    assert len(plain[0]) > 1000
    for said, wanted in zip(quick, plain, strict=True):
        assert said == wanted


def _made(name: str, **options: Any) -> list[list[tuple[Any, ...]]]:
    own, name = connection.settings_dict["NAME"], f"{connection.settings_dict['NAME']}_{name}"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0, **options)
        with connection.cursor() as cursor:
            found = []
            for look in LOOKS:
                cursor.execute(look)
                found.append(cursor.fetchall())
        return found
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
