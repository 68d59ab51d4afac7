"""Hypothesis for all tests: how much is drawn is no matter of the machine's pace, and the gate always draws the same.

`pytest --hypothesis-profile=long tests/decide` hunts: it draws fifty times as much, and other things each time.
"""

from hypothesis import HealthCheck, settings

for name, examples in (("short", 40), ("long", 2000)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=name == "short",
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("short")
