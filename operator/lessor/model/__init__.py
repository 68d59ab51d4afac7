"""Nouns: frozen values for the API's objects and for what the cloud says; they parse and format, and decide nothing."""
