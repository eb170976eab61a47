"""People, the sites they work at, and the calendars those sites keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone


class Calendar(models.Model):
    """When a site works: opening intervals per weekday, holidays of a country, and single days that differ.

    `weekly` is seven lists (Monday first) of ["HH:MM", "HH:MM"] pairs in the site's own time zone; several pairs a
    day are breaks. `exceptions` maps an ISO date to such a list (empty = closed).
    """

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    weekly = models.JSONField(default=list)
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=10, blank=True)
    exceptions = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """A place or desk whose work some people may see and others not."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=60, default="UTC")
    calendar = models.ForeignKey(Calendar, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def _create(self, email: str, password: str | None, **extra: Any) -> User:
        user = self.model(email=self.normalize_email(email), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self._create(email, password, **extra)

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self._create(email, password, **{"is_staff": True, "is_superuser": True, **extra})


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail. Groups give permissions; `sites` limits what they see (none = everything)."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    sites = models.ManyToManyField(Site, blank=True, related_name="people")
    preferences = models.JSONField(default=dict, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="an_email_belongs_to_one_person")]

    def __str__(self) -> str:
        return self.get_full_name()

    def get_full_name(self) -> str:
        return self.name or self.email

    @property
    def initials(self) -> str:
        words = (self.name or self.email).replace("@", " ").split()
        return "".join(w[0] for w in words[:2]).upper()

    def site_ids(self) -> frozenset[int] | None:
        """The sites this person may see; None means all of them. One query, then remembered."""
        if not hasattr(self, "_site_ids"):
            self.remember_sites(self.sites.values_list("pk", flat=True))
        return self._site_ids

    def remember_sites(self, ids: Iterable[int]) -> None:
        """Say which sites were found for this person (none, or a superuser: all of them)."""
        found = frozenset(ids)
        self._site_ids: frozenset[int] | None = None if (self.is_superuser or not found) else found
