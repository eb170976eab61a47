"""Messages to customers on their way out: by e-mail, or to whoever sends them for the retailer."""
