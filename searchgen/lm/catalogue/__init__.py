"""Open models that are fetched by name, and those that other programs have fetched to this machine."""
