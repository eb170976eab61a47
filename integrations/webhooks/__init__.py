"""Our facts on their way to whoever subscribed to them: signed by Standard Webhooks, at least once, in order."""
