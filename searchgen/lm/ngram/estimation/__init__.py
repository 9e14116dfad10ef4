"""N-gram models from texts: reading, counting, Kneser-Ney smoothing."""
