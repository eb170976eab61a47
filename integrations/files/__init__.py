"""What arrives as files rather than as messages."""
