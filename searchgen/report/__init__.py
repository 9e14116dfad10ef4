"""What a run leaves for people to look at: a page of a search, of draws, of a comparison or of a batch, and the trace of its moves."""
