"""Hypothesis for all tests: how much is drawn is no matter of the machine's pace.

`pytest --hypothesis-profile=long` draws fifty times as much.
"""

from hypothesis import HealthCheck, settings

for name, examples in (("short", 40), ("long", 2000)):
    settings.register_profile(
        name, max_examples=examples, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("short")
