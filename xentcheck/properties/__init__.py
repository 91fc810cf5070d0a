"""The laws that a cross-entropy must obey, one a function, grouped by what they ask."""
