"""A session's person comes with their permissions and sites, and they are the right ones."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from core.backends import People
from core.models import Site, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    made = User.objects.create_user("amira@example.com", "a long enough password", name="Amira")
    group = Group.objects.create(name="Lookers")
    group.permissions.set(Permission.objects.filter(codename="view_site"))
    made.groups.add(group)
    made.user_permissions.set(Permission.objects.filter(codename="change_site"))
    return made


def test_permissions_by_group_and_by_hand_and_sites_are_one_query(user, django_assert_num_queries):
    site = Site.objects.create(code="LDS", name="Leeds")
    user.sites.add(site)

    with django_assert_num_queries(1):
        person = People().get_user(user.pk)
        assert person.has_perm("core.view_site")
        assert person.has_perm("core.change_site")
        assert not person.has_perm("core.delete_site")
        assert person.site_ids() == {site.pk}


def test_it_agrees_with_djangos_own(user):
    from django.contrib.auth.backends import ModelBackend

    assert People().get_user(user.pk).get_all_permissions() == ModelBackend().get_user(user.pk).get_all_permissions()


def test_no_sites_means_all_and_superusers_may_everything(user):
    assert People().get_user(user.pk).site_ids() is None
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    assert People().get_user(user.pk).has_perm("core.delete_site")


def test_people_who_left_or_never_were_are_nobody(user):
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert People().get_user(user.pk) is None
    assert People().get_user(999_999) is None
