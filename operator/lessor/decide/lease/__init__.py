"""What ought to be done with a Lease: pure, from facts to a plan."""
