"""What is demanded of a text: a value for every flag of every constraint, and the constraints that these values are."""
