"""A small Kubernetes API server, in memory: what Kopf, the `kubernetes` client and kubectl ask of one.

It knows no kind of ours: the CRDs are handed in. The core answers one request at a time and never waits
(`server.APIServer.handle`); `http` and `inprocess` are its faces. Left to the real one: CEL, server-side apply, RBAC,
admission, garbage collection by ownerReferences, conversion webhooks.
"""
