"""Raw HTTP to an API server, and the kinds that the cases are played with."""

import base64
import json
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from requests.adapters import HTTPAdapter
from urllib3 import Retry

GROUP = "conformance.test"
MERGE, STEPS, STRATEGIC = (f"application/{kind}-patch+json" for kind in ("merge", "json", "strategic-merge"))
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    body: Any
    headers: Any

    @property
    def said(self) -> Object:
        """A Status without what every one has."""
        return {
            key: value for key, value in self.body.items() if key not in {"kind", "apiVersion", "metadata", "status"}
        }


class Client:
    """One API server, as the user of a kubeconfig with a token."""

    def __init__(self, kubeconfig: str) -> None:
        config = yaml.safe_load(kubeconfig)
        cluster = config["clusters"][0]["cluster"]
        self.server = cluster["server"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.patient(429)
        self.session.headers["Authorization"] = f"Bearer {config['users'][0]['user']['token']}"
        if "certificate-authority-data" in cluster:
            trust = Path(tempfile.mkdtemp()) / "authority.pem"
            trust.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
            self.session.verify = str(trust)

    def patient(self, *codes: int) -> None:
        """Send again what is answered with these codes: a CRD's storage begins, and begins anew, with a 429."""
        retry = Retry(
            total=40,
            status_forcelist=codes,
            allowed_methods=None,
            backoff_factor=0.05,
            backoff_max=0.5,
            respect_retry_after_header=False,
        )
        self.session.mount(self.server, HTTPAdapter(max_retries=retry))

    def send(
        self, method: str, path: str, body: object = None, *, kind: str = "", accept: str = "", **query: object
    ) -> Reply:
        headers = {"Content-Type": kind or "application/json", "Accept": accept or "application/json"}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        answer = self.session.request(method, self.server + path, params=query, data=data, headers=headers, timeout=20)
        is_json = "json" in answer.headers.get("Content-Type", "")
        return Reply(answer.status_code, answer.json() if is_json else answer.text, answer.headers)

    def get(self, path: str, **more: Any) -> Reply:
        return self.send("GET", path, **more)

    def make(self, path: str, body: Object, **more: Any) -> Object:
        reply = self.send("POST", path, body, **more)
        assert reply.code == 201, reply.body
        return dict(reply.body)

    def put(self, path: str, body: Object, **more: Any) -> Reply:
        return self.send("PUT", path, body, **more)

    def merge(self, path: str, body: object, **more: Any) -> Reply:
        return self.send("PATCH", path, body, kind=MERGE, **more)

    def delete(self, path: str, body: object = None, **more: Any) -> Reply:
        return self.send("DELETE", path, body, **more)

    @contextmanager
    def watch(self, path: str, *, accept: str = "application/json", **query: object) -> Iterator[Iterator[Object]]:
        """Give the events of a watch as they come; one that does not come in time fails the case."""
        params: Object = {"watch": "true", "timeoutSeconds": 10, **query}
        wait = float(params["timeoutSeconds"]) + 5
        with self.session.get(
            self.server + path, params=params, headers={"Accept": accept}, stream=True, timeout=wait
        ) as answer:
            assert answer.status_code == 200, answer.text
            yield (json.loads(line) for line in answer.iter_lines(chunk_size=None) if line)


def gadgets(namespace: str, name: str = "") -> str:
    """Give a path of the test's own kind, which has a schema and a status subresource."""
    return f"/apis/{GROUP}/v1/namespaces/{namespace}/gadgets" + (f"/{name}" if name else "")


def gadget(name: str = "one", **more: Any) -> Object:
    metadata = {"name": name, **more.pop("metadata", {})}
    spec = {"size": 1, **more.pop("spec", {})}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Gadget", "metadata": metadata, "spec": spec, **more}


def widget(name: str, **more: Any) -> Object:
    """Give an object of the kind without schema, status and namespace."""
    return {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": name}, **more}


def config_map(name: str = "one", **more: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more.pop("metadata", {})}, **more}


def core(namespace: str, plural: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def fresh(prefix: str = "test") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


# ------------------------------------------------------------ the CRDs of the cases

_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
_ITEM = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": _STRING, "value": {**_STRING, "default": "none"}},
}
_SPEC = {
    "type": "object",
    "description": "What is wanted.",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How large it is."},
        "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
        "due": {"type": "string", "format": "date-time"},
        "note": {"type": "string", "nullable": True},
        "port": {"x-kubernetes-int-or-string": True},
        "on": {"type": "boolean"},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "names": {"type": "array", "maxItems": 3, "minItems": 1, "items": _STRING, "x-kubernetes-list-type": "set"},
        "parts": {
            "type": "array",
            "items": _ITEM,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
        "tags": {"type": "object", "maxProperties": 2, "additionalProperties": _STRING},
        "more": {"type": "object", "properties": {"deep": {**_INTEGER, "default": 7}}},
    },
}
_STATUS = {
    "type": "object",
    "properties": {
        "phase": _STRING,
        "seen": {**_INTEGER, "minimum": 0},
        "conditions": {"type": "array", "items": _ITEM},
    },
}
_COLUMNS = [
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "How large."},
    {"name": "Color", "type": "string", "jsonPath": ".spec.color"},
    {"name": "Either", "type": "string", "jsonPath": ".spec['code','color']"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].value'},
    {"name": "First", "type": "string", "jsonPath": ".spec.names[0]", "priority": 1},
    {"name": "On", "type": "boolean", "jsonPath": ".spec.on"},
    {"name": "Switch", "type": "string", "jsonPath": ".spec.on"},
    {"name": "Made", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def _crd(kind: str, scope: str, **version: Any) -> Object:
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "shortNames": [kind[:2].lower()]}
    versions = [{"name": "v1", "served": True, "storage": True, **version}]
    if scope == "Namespaced":
        versions.append({**versions[0], "name": "v1beta1", "storage": False})
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": scope, "names": {**names, "categories": ["cases"]}, "versions": versions},
    }


_FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRDS = (
    _crd(
        "Gadget",
        "Namespaced",
        schema={"openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC, "status": _STATUS}}},
        subresources={"status": {}},
        additionalPrinterColumns=_COLUMNS,
        selectableFields=[{"jsonPath": ".spec.color"}, {"jsonPath": ".spec.more.deep"}],
    ),
    _crd("Widget", "Cluster", schema={"openAPIV3Schema": _FREE}),
)
