"""The order in which the texts of a search are printed, and which of them differ enough."""
