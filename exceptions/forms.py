"""The forms of rules, ladders and rotas."""
# ruff: noqa: RUF012, E501  (Django's Meta is read, never written)

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.models import Group

from core.models import User
from exceptions import reasons
from exceptions.models import Clock, EscalationPolicy, Rota, Severity, SlaPolicy, Target

MOST = 525_600  # minutes of a year
STEPS = 8
_MATCH = ["code", "name", "position", "reason", "queue", "site", "minimum_severity"]


class RuleForm(forms.ModelForm):
    """What the rules of both kinds have in common: whom they match, and in which order they are tried."""

    reason = forms.CharField(
        required=False, max_length=80, help_text="A reason’s code, or its beginning and *, as in orders.*; empty: any"
    )
    minimum_severity = forms.TypedChoiceField(
        coerce=int, choices=[(0, "Any"), *Severity.choices], required=False, empty_value="0", label="Severity at least"
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["code"]
        for name in ("queue", "site"):
            if name in self.fields:
                self.fields[name].required = False
                self.fields[name].empty_label = "Any"  # type: ignore[attr-defined]

    def clean_minimum_severity(self) -> int:
        return int(self.cleaned_data["minimum_severity"] or 0)

    def clean_reason(self) -> str:
        said = self.cleaned_data["reason"].strip()
        known = [reason.code for reason in reasons.every()]
        matched = [code for code in known if code.startswith(said[:-1])] if said.endswith("*") else [said]
        if said and not set(matched) & set(known):
            raise forms.ValidationError("No reason has this code.")
        return said


class SlaForm(RuleForm):
    class Meta:
        model = SlaPolicy
        fields = [*_MATCH, "acknowledge_minutes", "resolve_minutes", "warn_minutes", "business_time", "enabled"]
        labels = {"position": "Order", "acknowledge_minutes": "Minutes to respond", "resolve_minutes": "Minutes to resolve",
                  "warn_minutes": "Warn so many minutes before", "business_time": "Count the site’s opening hours only"}  # fmt: skip

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        for name in ("acknowledge_minutes", "resolve_minutes"):
            if name in found and not 0 < found[name] <= MOST:
                self.add_error(name, "Between one minute and a year.")
        if (found.get("warn_minutes") or 0) > MOST:
            self.add_error("warn_minutes", "At most a year.")
        return found


class EscalationForm(RuleForm):
    class Meta:
        model = EscalationPolicy
        fields = [*_MATCH, "enabled"]
        labels = {"position": "Order"}


class StepForm(forms.Form):
    """One rung. A row without a clock is none."""

    clock = forms.ChoiceField(choices=[("", "No step"), *Clock.choices], required=False, label="Clock")
    minutes = forms.IntegerField(required=False, min_value=0, max_value=MOST, label="Minutes", initial=0)
    side = forms.ChoiceField(choices=[("after", "after"), ("before", "before")], required=False, label="Side")
    target = forms.ChoiceField(choices=Target.choices, required=False, label="Who")
    role = forms.ModelChoiceField(Group.objects.order_by("name"), required=False, label="Role")
    person = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("name"), required=False, label="Person"
    )
    webhook = forms.CharField(required=False, max_length=80, label="Webhook")
    letter = forms.BooleanField(required=False, initial=True, label="E-mail")
    urgent = forms.BooleanField(required=False, label="Through quiet hours")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        needed = found.get("target")
        if found.get("clock") and needed in (Target.ROLE, Target.PERSON, Target.WEBHOOK) and not found.get(needed):
            self.add_error(needed, "Say whom this step tells.")
        return found

    def given(self) -> dict[str, Any] | None:
        """As the service takes it; None for an empty row."""
        data = self.cleaned_data
        if not data.get("clock"):
            return None
        minutes = (data.get("minutes") or 0) * (-1 if data.get("side") == "before" else 1)
        target = data["target"] or Target.ON_DUTY
        return {
            "clock": data["clock"],
            "minutes": minutes,
            "target": target,
            "role_id": data["role"].pk if target == Target.ROLE else None,
            "person_id": data["person"].pk if target == Target.PERSON else None,
            "webhook": data["webhook"] if target == Target.WEBHOOK else "",
            "letter": data["letter"],
            "urgent": data["urgent"],
        }


StepFormSet = forms.formset_factory(StepForm, extra=STEPS, max_num=STEPS, absolute_max=STEPS, validate_max=True)


class RotaForm(forms.ModelForm):
    class Meta:
        model = Rota
        fields = ["time_zone", "calendar", "fallback"]
        labels = {"calendar": "Hours to be covered", "fallback": "Told when nobody is on duty"}

    def clean_time_zone(self) -> str:
        said: str = self.cleaned_data["time_zone"]
        if said not in available_timezones():
            raise forms.ValidationError("Name a time zone, such as Europe/London.")
        return said
