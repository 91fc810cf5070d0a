"""The implementations under test: how they are named, found, called, and kept in a process of their own."""
