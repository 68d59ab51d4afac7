"""One pass over a Lease: observe, decide, act, report. No Kopf, no clock, no sleep; safe to repeat and to cut."""
