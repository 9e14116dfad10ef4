"""The words of languages that print no spaces between them, and what they say of a word's place in a text."""
