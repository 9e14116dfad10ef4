"""Samplers whose draws carry weights."""
