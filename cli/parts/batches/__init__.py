"""A batch: its places, its run, its progress."""
