"""Commands on the meaning of texts."""
