"""Lessor: time on an OpenStack cloud, declared, renewable and visible."""
