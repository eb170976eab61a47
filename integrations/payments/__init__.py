"""Payment providers: what they say and what they are told."""
