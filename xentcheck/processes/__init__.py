"""Processes that xentcheck starts: from what they import, whom they end with, and what they leave behind."""
