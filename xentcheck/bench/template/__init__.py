"""What a project gets for its own benchmarks; copied as it is, and needing nothing of xentcheck there."""
