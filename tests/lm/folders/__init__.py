"""Tests of folders in Hugging Face format, read to be converted."""
