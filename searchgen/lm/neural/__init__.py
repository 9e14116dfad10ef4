"""Transformers as laws over printed texts."""
