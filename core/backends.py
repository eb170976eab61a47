"""Who somebody is, in one question."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from core.models import User

# Every signed-in request asks this: the person, what they may do (their own and by group) and which sites they see.
_PERSON = """
SELECT u.*,
    ARRAY(
        SELECT t.app_label || '.' || p.codename FROM auth_permission p
        JOIN django_content_type t ON t.id = p.content_type_id
        WHERE p.id IN (
            SELECT permission_id FROM core_user_user_permissions WHERE user_id = u.id
            UNION ALL
            SELECT g.permission_id FROM auth_group_permissions g
            JOIN core_user_groups m ON m.group_id = g.group_id WHERE m.user_id = u.id
        )
    ) AS granted,
    ARRAY(SELECT site_id FROM core_user_sites WHERE user_id = u.id) AS site_list
FROM core_user u WHERE u.id = %s
"""


class People(ModelBackend):
    """Django's own, except that a session's person comes with their permissions and sites already known."""

    def get_user(self, user_id: Any) -> User | None:
        person: Any = next(iter(User.objects.raw(_PERSON, [user_id])), None)
        if person is None or not self.user_can_authenticate(person):
            return None
        if not person.is_superuser:
            person._perm_cache = set(person.granted)  # noqa: SLF001  (where ModelBackend looks first)
        person.remember_sites(person.site_list)
        return person
