"""Gibbs: blocks of words drawn from their exact conditionals."""
