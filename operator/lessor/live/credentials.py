"""A tenant's clouds.yaml: parsed by us first, against a list of what is allowed. It runs in our pod.

Source: openstacksdk's configuration guide; what it would also take (profiles fetched by URL, files of the pod as CA or
key, the environment) is refused here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from lessor.ports import cloud

_MOST_BYTES = 65536
_MOST_DEPTH = 16
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_DEFAULT_TYPE = "password"
APPLICATION_CREDENTIAL = "v3applicationcredential"

_SCOPE = frozenset({"auth_url", "project_id", "project_name", "project_domain_id", "project_domain_name"})
_USER = frozenset({"username", "user_id", "user_domain_id", "user_domain_name"})
_DOMAIN = frozenset({"default_domain_id", "default_domain_name"})
_CREDENTIAL = frozenset({"application_credential_id", "application_credential_name", "application_credential_secret"})
_OIDC = frozenset(
    {
        "identity_provider",
        "protocol",
        "client_id",
        "client_secret",
        "openid_scope",
        "access_token_endpoint",
        "discovery_endpoint",
        "access_token_type",
    }
)

# auth_type as written: (keystoneauth's plugin, the keys that it may have under `auth`)
_TYPES: Mapping[str, tuple[str, frozenset[str]]] = {
    "password": ("v3password", _SCOPE | _USER | _DOMAIN | {"password"}),
    "v3password": ("v3password", _SCOPE | _USER | _DOMAIN | {"password"}),
    APPLICATION_CREDENTIAL: (APPLICATION_CREDENTIAL, _CREDENTIAL | _USER | {"auth_url"}),
    "v3oidcclientcredentials": ("v3oidcclientcredentials", _SCOPE | _OIDC),
}
_URLS = frozenset({"auth_url", "access_token_endpoint", "discovery_endpoint"})

# Beside `auth`: what is used, and what does no harm and is passed over.
_USED = frozenset({"auth", "auth_type", "region_name", "interface", "endpoint_type"})
_OVERRIDES = frozenset(
    {
        "compute_endpoint_override",
        "image_endpoint_override",
        "network_endpoint_override",
        "reservation_endpoint_override",
    }
)
_HARMLESS = frozenset(
    {
        "api_timeout",
        "identity_api_version",
        "compute_api_version",
        "compute_default_microversion",
        "image_api_version",
        "image_format",
        "network_api_version",
        "volume_api_version",
        "block_storage_api_version",
        "reservation_api_version",
        "regions",
    }
)
_INTERFACES = frozenset({"public", "internal", "admin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConfig:
    """One cloud of a clouds.yaml.

    Attributes:
        plugin: keystoneauth's name of the way to authenticate.
        auth: its options, the secrets among them: never shown.
        region_name: None takes the one region of the catalogue.
        interface: public, internal or admin.
        overrides: a service type's endpoint, instead of the catalogue's.
        cacert: PEM; None trusts the public authorities.
    """

    plugin: str
    auth: Mapping[str, str]
    region_name: str | None
    interface: str
    overrides: Mapping[str, str]
    cacert: bytes | None

    def __repr__(self) -> str:
        return f"CloudConfig({self.plugin}, {self.auth.get('auth_url')})"


class _Loader(yaml.SafeLoader):
    """Reads every plain scalar but null as the text that it is: a password of digits is no number."""

    yaml_implicit_resolvers = {
        first: [resolver for resolver in resolvers if resolver[0] == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def parse(clouds_yaml: bytes, cacert: bytes | None, name: str) -> CloudConfig:
    """Read one cloud of a clouds.yaml.

    Raises:
        CredentialsMissing: the file has no cloud of that name.
        InvalidCredentials: the file is not one that is used here; the text says what to change.
    """
    entry = _entry(_document(clouds_yaml), name)
    unknown = sorted(set(map(str, entry)) - _USED - _OVERRIDES - _HARMLESS)
    if unknown:
        raise cloud.InvalidCredentials(
            f"The cloud {name} in clouds.yaml has {_listed(unknown)}, which is not allowed here. Remove it."
        )
    plugin, allowed = _type(entry, name)
    return CloudConfig(
        plugin=plugin,
        auth=_auth(entry, name, allowed),
        region_name=_text(entry, "region_name", name),
        interface=_interface(entry, name),
        overrides={
            key.removesuffix("_endpoint_override"): _url(entry, key, name) for key in sorted(_OVERRIDES & set(entry))
        },
        cacert=cacert,
    )


def _document(clouds_yaml: bytes) -> Mapping[str, Any]:
    if len(clouds_yaml) > _MOST_BYTES:
        raise cloud.InvalidCredentials(f"clouds.yaml is larger than {_MOST_BYTES} bytes.")
    try:
        text = clouds_yaml.decode()
        _check(text)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        raise cloud.InvalidCredentials("clouds.yaml is not valid YAML.") from None
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not isinstance(clouds, dict):
        raise cloud.InvalidCredentials("clouds.yaml has no `clouds:` with the clouds under it.")
    return clouds


def _check(text: str) -> None:
    """Refuse what YAML has and a clouds.yaml does not need, before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise cloud.InvalidCredentials(
                "clouds.yaml uses aliases (*name), which are not allowed here. Write it out."
            )
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise cloud.InvalidCredentials(
                "clouds.yaml uses a tag (!name), which is not allowed here. Quote the value."
            )
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH:
            raise cloud.InvalidCredentials("clouds.yaml nests deeper than any clouds.yaml does.")


def _entry(clouds: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in clouds:
        there = _listed(sorted(map(str, clouds))) or "none"
        raise cloud.CredentialsMissing(f"clouds.yaml has no cloud {name}; it has {there}.")
    entry = clouds[name]
    if not isinstance(entry, dict):
        raise cloud.InvalidCredentials(f"The cloud {name} in clouds.yaml is not a mapping.")
    return entry


def _type(entry: Mapping[str, Any], name: str) -> tuple[str, frozenset[str]]:
    written = entry.get("auth_type", _DEFAULT_TYPE)
    if not isinstance(written, str) or written not in _TYPES:
        raise cloud.InvalidCredentials(
            f"The cloud {name} in clouds.yaml has an auth_type that is not allowed here: use {_listed(sorted(_TYPES))}."
        )
    return _TYPES[written]


def _auth(entry: Mapping[str, Any], name: str, allowed: frozenset[str]) -> Mapping[str, str]:
    auth = entry.get("auth")
    if not isinstance(auth, dict):
        raise cloud.InvalidCredentials(f"The cloud {name} in clouds.yaml has no `auth:`.")
    unknown = sorted(set(map(str, auth)) - allowed)
    if unknown:
        raise cloud.InvalidCredentials(
            f"The cloud {name} in clouds.yaml has {_listed(unknown)} under auth, which its auth_type may not have."
        )
    if "auth_url" not in auth:
        raise cloud.InvalidCredentials(f"The cloud {name} in clouds.yaml has no auth_url.")
    return _as_plugins_know(
        {key: _url(auth, key, name) if key in _URLS else _text(auth, key, name) or "" for key in auth}
    )


def _as_plugins_know(auth: dict[str, str]) -> dict[str, str]:
    """Name the options as keystoneauth's v3 plugins do: openstacksdk understands two more."""
    if "openid_scope" in auth:
        auth["scope"] = auth.pop("openid_scope")
    for by in ("id", "name"):
        default = auth.pop(f"default_domain_{by}", None)
        for whose in ("user", "project"):
            named = {f"{whose}_domain_id", f"{whose}_domain_name"} & auth.keys()
            if default is not None and not named:
                auth[f"{whose}_domain_{by}"] = default
    return auth


def _text(entry: Mapping[str, Any], key: str, name: str) -> str | None:
    value = entry.get(key)
    if value is None or isinstance(value, str):
        return value
    raise cloud.InvalidCredentials(f"The cloud {name} in clouds.yaml has a {key} that is no text.")


def _url(entry: Mapping[str, Any], key: str, name: str) -> str:
    value = _text(entry, key, name) or ""
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise cloud.InvalidCredentials(f"The cloud {name} in clouds.yaml has a {key} that is no http or https URL.")
    return value


def _interface(entry: Mapping[str, Any], name: str) -> str:
    value = (_text(entry, "interface", name) or _text(entry, "endpoint_type", name) or "public").removesuffix("URL")
    if value not in _INTERFACES:
        raise cloud.InvalidCredentials(
            f"The cloud {name} in clouds.yaml has an interface that is none of {_listed(sorted(_INTERFACES))}."
        )
    return value


def _listed(words: list[str]) -> str:
    """List names; what is no name may be a secret that a missing blank or quote made one, and is not shown."""
    return ", ".join(word if _NAME.fullmatch(word) else "(something that is no name)" for word in words[:10])
