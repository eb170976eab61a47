"""Whom cases can be given to."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from core import typed
from core.errors import Refusal
from core.models import Site, User

LISTED = 500


def who_may_work(site_ids: set[int | None]) -> QuerySet[User]:
    """Active people who may work on cases and see every one of these sites."""
    permission = Permission.objects.filter(content_type__app_label="exceptions", codename="work_case")
    allowed = Q(is_superuser=True) | Q(groups__permissions__in=permission) | Q(user_permissions__in=permission)
    found = User.objects.filter(allowed, is_active=True)
    theirs = User.sites.through.objects.filter(user_id=OuterRef("pk"))
    unlimited = ~Exists(theirs)
    if None in site_ids:
        found = found.filter(unlimited)
    for site_id in Site.objects.filter(pk__in=[pk for pk in site_ids if pk is not None]).values_list("pk", flat=True):
        found = found.filter(unlimited | Exists(theirs.filter(site_id=site_id)))
    return found.distinct().order_by("name", "email")[:LISTED]


def chosen(request: HttpRequest) -> int:
    """The person a form names (400 when it names none)."""
    found = typed.whole(request.POST.get("to", ""), 18)
    if found is None:
        raise Refusal("no_such_person", "Choose a person.", status=400)
    return found
