"""Keystone, Nova, Glance, Neutron and Blazar in memory, as tables of states and transitions.

`cloud.Cloud` is the way in.

Refusals have the codes and the words of the real services; the same cases in tests/conformance run on both.
"""
