"""Models behind an OpenAI-compatible server that returns the log-probabilities of its prompt."""
