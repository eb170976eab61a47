"""Who may get an account: nobody by themselves. Administrators invite; single sign-on finds people already invited."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from core.backends import People


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SocialAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False


class Backend(People, AuthenticationBackend):
    """Signing in by e-mail; afterwards the session's person is read in one query."""
