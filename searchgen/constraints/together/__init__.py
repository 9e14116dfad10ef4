"""The constraints of one request together: their words, their places, their product."""
