"""Everything about one run, and how it is shown."""
