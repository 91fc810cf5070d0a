"""How fast a cross-entropy is: its sparse and its one-hot path, beside the reference and beside each other."""
