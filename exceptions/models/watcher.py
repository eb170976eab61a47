"""Who wants to hear of a case without having it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class CaseWatcher(models.Model):
    case = models.ForeignKey("exceptions.Case", on_delete=models.CASCADE, related_name="watchers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=("case", "user"), name="a_person_watches_a_case_once")]
