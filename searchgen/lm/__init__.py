"""Language models: n-grams, transformers, mixtures, servers. `open.py` is the one door to those that score printed texts."""
