"""La Poste and Colissimo: their tracking documents."""

from integrations.carriers import scans
from integrations.carriers.laposte import tracking

LAPOSTE = scans.vendor("laposte", "La Poste", tracking.VERSION, tracking.translate, lists="responses")
