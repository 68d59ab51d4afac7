"""The CRDs as plain data, and ways to walk them. Reads files, asks no cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lessor.model.names import VERSION, Kind

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "crds"

Schema = dict[str, Any]


class ManifestLoader(yaml.SafeLoader):
    """Reads YAML as kubectl does: an instant stays the string that it was written as."""


ManifestLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents(text: str) -> list[dict[str, Any]]:
    """Give the objects of a manifest."""
    return [each for each in yaml.load_all(text, Loader=ManifestLoader) if each]


def definition(kind: Kind) -> dict[str, Any]:
    """Give the CustomResourceDefinition of a kind."""
    (crd,) = documents((CRDS / f"{kind.plural}.yaml").read_text())
    return crd


def version(kind: Kind) -> dict[str, Any]:
    """Give the one version of a kind that we speak."""
    (found,) = [each for each in definition(kind)["spec"]["versions"] if each["name"] == VERSION]
    return found


def schema(kind: Kind) -> Schema:
    """Give the schema of a kind's objects."""
    return version(kind)["schema"]["openAPIV3Schema"]


def nodes(root: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Give every schema in a schema with its path: `spec.expiry.stages[].after`, `{}` for the values of a map."""
    yield path, root
    for name, child in root.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}".lstrip("."))
    if "items" in root:
        yield from nodes(root["items"], f"{path}[]")
    if "additionalProperties" in root:
        yield from nodes(root["additionalProperties"], f"{path}{{}}")
