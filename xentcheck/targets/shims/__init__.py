"""Functions between xentcheck and libraries whose loss is called otherwise than `loss(scores, labels)`.

Each imports its library, so each is imported only where its target runs.
"""
