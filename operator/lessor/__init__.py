"""Lessor: time on an OpenStack cloud, declared, renewable and visible."""

__version__ = "0.1.0"
