"""A pretend world: a clock that jumps, a cloud and a cluster that behave as the real ones do, and what goes wrong.

Nothing here is asked by the operator itself. Each behaviour is proven on the real parts by the same tests.
"""
