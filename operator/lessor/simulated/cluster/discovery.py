"""Discovery: what is served, in the old form (a document for each API version) and in the aggregated one.

Source: k8s.io/apiserver/pkg/endpoints/discovery, k8s.io/api/apidiscovery/v2.
"""

from lessor.simulated.cluster.registry import Registry
from lessor.simulated.cluster.resources import Object, Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+lessor-simulated",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
_STATUS_VERBS = ("get", "patch", "update")


def wants_aggregated(accept: str) -> bool:
    """Tell whether a client takes the aggregated form."""
    wanted = {"g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"}
    choices = ({part.strip() for part in choice.split(";")} for choice in accept.split(","))
    return any(wanted <= choice and "application/json" in choice for choice in choices)


def core() -> Object:
    """Give the document at /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
    }


def groups(registry: Registry) -> Object:
    """Give the document at /apis."""
    listed = [group(name, versions) for name, versions in registry.groups().items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(name: str, versions: list[str]) -> Object:
    """Give one group as its own document and as a part of /apis."""
    said = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": said, "preferredVersion": said[0]}


def resource_list(api_version: str, resources: list[Resource]) -> Object:
    """Give the document of one API version."""
    listed = []
    for resource in resources:
        listed.append(_resource(resource))
        if resource.status:
            listed.append(_subresource(resource))
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def _resource(resource: Resource) -> Object:
    return {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        **({"shortNames": list(resource.short_names)} if resource.short_names else {}),
        **({"categories": list(resource.categories)} if resource.categories else {}),
    }


def _subresource(resource: Resource) -> Object:
    return {
        "name": f"{resource.plural}/status",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(_STATUS_VERBS),
    }


# ------------------------------------------------------------ the aggregated form


def aggregated(registry: Registry, named: dict[str, list[str]]) -> Object:
    """Give the aggregated document of these groups, of /api for the empty one."""
    items = [_group(registry, name, versions) for name, versions in named.items()]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _group(registry: Registry, name: str, versions: list[str]) -> Object:
    metadata = {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None}
    said = [
        {
            "version": version,
            "freshness": "Current",
            "resources": [_aggregated(each) for each in registry.of(name, version)],
        }
        for version in versions
    ]
    return {"metadata": metadata, "versions": said}


def _aggregated(resource: Resource) -> Object:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    status = {"subresource": "status", "responseKind": kind, "verbs": list(_STATUS_VERBS)}
    return {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        **({"shortNames": list(resource.short_names)} if resource.short_names else {}),
        **({"categories": list(resource.categories)} if resource.categories else {}),
        **({"subresources": [status]} if resource.status else {}),
    }
