"""What every app stands on: people and sites, facts and their deliveries, long work, and keys that make repeats safe."""

from core.models.events import Delivery, Event, EventObject
from core.models.idempotency import IdempotencyKey
from core.models.jobs import Job
from core.models.people import Calendar, Site, User

__all__ = ["Calendar", "Delivery", "Event", "EventObject", "IdempotencyKey", "Job", "Site", "User"]
