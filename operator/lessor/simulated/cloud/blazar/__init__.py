"""Blazar in memory: leases, their reservations and events, by the tables of its own state machine.

`service.Blazar` is the way in. Facts are those of Blazar 18, tried with the other services of OpenStack; what only
Chameleon's fork does says so.
"""
