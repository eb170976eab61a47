"""What every app stands on: people and sites, facts and deliveries, long work, keys that make repeats safe."""

from core.models.events import Delivery, Event, EventObject, Listener
from core.models.health import EventSeal, Heartbeat
from core.models.idempotency import IdempotencyKey
from core.models.jobs import Job
from core.models.people import Calendar, Site, User

__all__ = [
    "Calendar",
    "Delivery",
    "Event",
    "EventObject",
    "EventSeal",
    "Heartbeat",
    "IdempotencyKey",
    "Job",
    "Listener",
    "Site",
    "User",
]
