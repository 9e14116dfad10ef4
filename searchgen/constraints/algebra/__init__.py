"""The algebra of constraints: `holds(dog|cat) and not holds(ball) and words(6..10)`."""
