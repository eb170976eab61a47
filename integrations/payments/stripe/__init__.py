"""Stripe: payment intents, refunds and disputes."""
