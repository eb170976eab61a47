"""What the sign-in pages need from Django's template language to look like the rest."""

from __future__ import annotations

from django import template
from django.forms import BoundField

register = template.Library()


@register.filter
def with_class(field: BoundField, cls: str) -> str:
    """The field's own input with a class of ours. Labels stand above it, so no placeholder repeats them."""
    widget = field.field.widget
    widget.attrs.pop("placeholder", None)
    described = {"aria-invalid": "true"} if field.errors else {}
    return field.as_widget(attrs={"class": f"{widget.attrs.get('class', '')} {cls}".strip(), **described})
