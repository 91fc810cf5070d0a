"""Mutation testing; see docs/mutation.md."""
