"""The suite's own test: every planted bug of the zoo is found, every law kills one, nothing right is failed."""
