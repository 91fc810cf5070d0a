"""Batches: Hypothesis strategies, one family a function; exact save, load and digest; reduction to a minimal one."""
