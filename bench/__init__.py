"""The harness: which cells exist, how they are timed and where their results go."""
