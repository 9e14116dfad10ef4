"""N-gram models as files: ARPA, the packed format, the decoded copy in the cache."""
