"""Optimisers: texts of high density, which follow no stated law."""
