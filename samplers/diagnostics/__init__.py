"""What the draws of a run are worth."""
