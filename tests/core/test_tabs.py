"""Tabs over a list."""

from __future__ import annotations

from django.test import RequestFactory

from core import tabs

VIEWS: tabs.Views = (("All", {}), ("To do", {"status": ["NEW", "BEGUN"]}), ("Late", {"late": "true", "status": "NEW"}))


def shown(query: str) -> list[str]:
    return [tab["label"] for tab in tabs.of(RequestFactory().get(f"/{query}"), VIEWS) if tab["current"]]


def test_the_tab_with_the_parameters_of_the_address_is_current():
    assert shown("") == ["All"]
    assert shown("?status=NEW&status=BEGUN") == ["To do"]
    assert shown("?status=NEW&late=true") == ["Late"]
    assert shown("?status=NEW") == []


def test_another_filter_narrows_the_tab_without_leaving_it():
    assert shown("?q=cup&sort=name") == ["All"]
    assert shown("?q=cup&status=NEW&status=BEGUN") == ["To do"]


def test_each_tab_leads_to_its_own_address():
    links = [tab["url"] for tab in tabs.of(RequestFactory().get("/"), VIEWS)]

    assert links == ["?", "?status=NEW&status=BEGUN", "?late=true&status=NEW"]
