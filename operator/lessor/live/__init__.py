"""The real cloud: the only importer of openstacksdk and keystoneauth1."""
