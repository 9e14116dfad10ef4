"""Folders in Hugging Face format: their networks are read without torch."""
