"""Pieces of pages: texts with marked words, tables and charts, for reports and for notebooks."""
