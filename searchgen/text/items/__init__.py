"""What a user asks for by its letters: how items are read, words with signs, lists of items."""
