"""Calling a target, in the process in which it runs: built from its plan, asked, and watched while it answers."""
