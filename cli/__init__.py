"""The command line: one file per command, options written once, one place that writes."""
