"""The CustomResourceDefinitions as they are shipped: beside the code in a wheel, in `crds/` of a checkout."""

import pathlib
from importlib import resources
from typing import Any

import yaml

from lessor.model.names import Kind


def texts() -> tuple[str, ...]:
    """Give the manifests as they were written, one for each kind."""
    shipped = resources.files("lessor") / "crds"
    folder = pathlib.Path(str(shipped)) if shipped.is_dir() else pathlib.Path(__file__).parents[2] / "crds"
    return tuple((folder / f"{kind.plural}.yaml").read_text() for kind in Kind)


def documents() -> list[dict[str, Any]]:
    """Give the manifests as JSON objects."""
    return [yaml.safe_load(text) for text in texts()]
