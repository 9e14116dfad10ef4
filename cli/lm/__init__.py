"""`searchgen lm`: the commands about models."""
