"""Many targets judged alike, and one table of them: reports are kept, each violation is verified by a second method."""
