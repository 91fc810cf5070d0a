"""A report as one page of HTML, whole in itself: no script, and nothing from the network."""
