"""Conditions on the printed text: letters, words and sizes, templates and regular expressions."""
