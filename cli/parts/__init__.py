"""What several commands share: answering, printing, progress, tables."""
