"""Sweeps too large for one sitting: cut into units of work that any process may do, and merged in any order."""
