"""Verbs on nouns, pure: what ought to be done, given what is known. No clock, no I/O, no Kopf."""
