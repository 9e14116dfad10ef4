"""Files that are whole, locked or kept: what every other room writes with."""
