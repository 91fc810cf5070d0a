"""Certified truth: enclosures of exact losses and gradients, and how far a good algorithm may be from them."""
