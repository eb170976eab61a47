"""Payment providers as senders of messages: their webhooks go through the same inbox as everybody else's."""

from __future__ import annotations

from integrations.channels.vendor import Vendor
from integrations.payments.adyen import translate as adyen
from integrations.payments.adyen import webhooks as adyen_webhooks
from integrations.payments.stripe import payouts as stripe_payouts
from integrations.payments.stripe import translate as stripe
from integrations.payments.stripe import webhooks as stripe_webhooks

STRIPE = Vendor(
    name="stripe", title="Stripe", mapping_version=stripe.VERSION, understand=stripe.understand,
    verify=stripe_webhooks.verify, delivery=stripe_webhooks.delivery, feeds=(stripe_payouts.PAYOUTS,),
    can_be_called=stripe_payouts.can_be_called,
)  # fmt: skip
ADYEN = Vendor(
    name="adyen", title="Adyen", mapping_version=adyen.VERSION, understand=adyen.understand,
    verify=adyen_webhooks.verify, delivery=adyen_webhooks.delivery, as_settled=adyen.as_settled,
)  # fmt: skip
READERS = (ADYEN, STRIPE)
