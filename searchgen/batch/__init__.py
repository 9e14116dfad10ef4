"""Batch jobs: job files read line by line, rows written in order, and a journal that lets a run go on after anything."""
