"""Speed, memory and accuracy across commits: the benchmarks, and the commands that run them. See docs/benchmarks.md."""
