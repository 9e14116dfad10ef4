"""Printed texts as pieces of a transformer: alone, behind a context, by the tokenizer of a folder."""
