"""Rejection: draws from the model, kept where the target allows them."""
