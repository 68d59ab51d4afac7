"""Seams: the protocols that passes are written against, and the errors that may come through them."""
