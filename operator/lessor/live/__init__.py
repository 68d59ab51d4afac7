"""The real cloud: the only importer of openstacksdk, keystoneauth1 and blazarclient."""
