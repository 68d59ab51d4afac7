"""`lessor demo`: five weeks of a pretend cloud in a minute, with the real operator at work in it.

Cluster and cloud are `lessor.simulated`, on ports of the loopback; the operator, its watches and its clients are those
of `lessor run`. Nothing outside is asked or touched: no kubeconfig, no clouds.yaml, no environment is read.
"""
