"""Who asks upstream: the operator's accounts, their tokens, and whose turn it is."""
