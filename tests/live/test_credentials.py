"""What a tenant's clouds.yaml may hold, and the sentence for what it may not."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lessor.live import credentials
from lessor.live.credentials import CloudConfig
from lessor.ports import cloud

URL = "https://keystone.example.org/v3"
SECRETS = ("s3cr3t-pa55word", "t0ken-of-app")
PASSWORD = {
    "auth_url": URL,
    "username": "lessor",
    "password": SECRETS[0],
    "project_name": "demo",
    "user_domain_name": "Default",
    "project_domain_name": "Default",
}
APPLICATION = {
    "auth_url": URL,
    "application_credential_id": "abc",
    "application_credential_secret": SECRETS[1],
}
OIDC = {
    "auth_url": URL,
    "identity_provider": "sso",
    "protocol": "openid",
    "client_id": "lessor",
    "client_secret": SECRETS[1],
    "access_token_endpoint": "https://sso.example.org/token",
    "project_id": "p1",
}


def parse(entry: object, name: str = "openstack", cacert: bytes | None = None) -> CloudConfig:
    return parsed(json.dumps({"clouds": {"openstack": entry}}), name, cacert)


def parsed(text: str | bytes, name: str = "openstack", cacert: bytes | None = None) -> CloudConfig:
    return credentials.parse(text.encode() if isinstance(text, str) else text, cacert, name)


def plain(auth: Any = None, **changes: Any) -> dict[str, Any]:
    return {"auth": PASSWORD if auth is None else auth, **changes}


# ------------------------------------------------------------ what is taken


@pytest.mark.parametrize(
    ("written", "auth", "plugin"),
    [
        (None, PASSWORD, "v3password"),
        ("password", PASSWORD, "v3password"),
        ("v3password", PASSWORD, "v3password"),
        ("v3applicationcredential", APPLICATION, "v3applicationcredential"),
        ("v3oidcclientcredentials", OIDC, "v3oidcclientcredentials"),
    ],
)
def test_the_four_ways_to_authenticate_are_taken(written: str | None, auth: dict[str, str], plugin: str) -> None:
    config = parse(plain(auth) if written is None else plain(auth, auth_type=written))
    assert (config.plugin, config.auth) == (plugin, auth)


def test_an_ordinary_file_is_taken_with_what_does_no_harm() -> None:
    config = parsed(
        f"""
        # from the dashboard
        clouds:
          other: {{profile: vexxhost}}
          openstack:
            auth:
              auth_url: {URL}
              username: lessor
              password: "{SECRETS[0]}"
              project_id: 0123abcd
            region_name: RegionOne
            interface: internalURL
            identity_api_version: 3
            api_timeout: 30
            compute_default_microversion: "2.73"
            compute_endpoint_override: https://nova.example.org/v2.1
        """
    )
    assert config.region_name == "RegionOne"
    assert config.interface == "internal"
    assert config.overrides == {"compute": "https://nova.example.org/v2.1"}
    assert config.auth["project_id"] == "0123abcd"


def test_what_is_not_said_has_its_default() -> None:
    config = parse(plain())
    assert (config.region_name, config.interface, config.overrides, config.cacert) == (None, "public", {}, None)


def test_the_ca_is_the_one_of_the_secret() -> None:
    assert parse(plain(), cacert=b"PEM").cacert == b"PEM"


def test_another_cloud_of_the_file_is_not_looked_at() -> None:
    text = json.dumps({"clouds": {"bad": {"profile": "http://169.254.169.254/"}, "openstack": plain()}})
    assert parsed(text).plugin == "v3password"


def test_an_anchor_without_an_alias_does_no_harm() -> None:
    assert parsed(f"clouds: {{openstack: &one {json.dumps(plain())}}}").plugin == "v3password"


def test_secrets_are_not_shown_by_repr() -> None:
    assert repr(parse(plain())) == f"CloudConfig(v3password, {URL})"


# ------------------------------------------------------------ what is refused


@dataclass(frozen=True)
class Refused:
    """`names` is what the sentence must name: what is wrong, and the way out."""

    id: str
    why: str
    entry: Any
    names: tuple[str, ...]
    error: type[cloud.CloudError] = cloud.InvalidCredentials


REFUSED = [
    Refused("profile", "it is fetched by URL", plain(profile="http://169.254.169.254/x"), ("profile", "Remove it")),
    Refused("cacert", "a file of our pod", plain(cacert="/etc/passwd"), ("cacert", "Remove it")),
    Refused("cert", "a file of our pod", plain(cert="/var/run/secrets/token"), ("cert", "Remove it")),
    Refused("key", "a file of our pod", plain(key="/var/run/secrets/token"), ("key", "Remove it")),
    Refused("verify", "it would talk to anybody", plain(verify=False), ("verify", "Remove it")),
    Refused("insecure", "it would talk to anybody", plain(insecure=True), ("insecure", "Remove it")),
    Refused("vendor", "the same as profile", plain(vendor="x"), ("vendor", "Remove it")),
    Refused("several", "each is named", plain(cert="a", key="b"), ("cert, key", "Remove it")),
    Refused(
        "an override of Keystone",
        "only Nova's and Glance's are used",
        plain(identity_endpoint_override="http://x"),
        ("identity_endpoint_override", "Remove it"),
    ),
    Refused(
        "type none",
        "it takes an endpoint without any proof",
        plain({"auth_url": URL, "endpoint": "http://169.254.169.254"}, auth_type="none"),
        ("auth_type", "use password, v3applicationcredential, v3oidcclientcredentials, v3password"),
    ),
    Refused("type token", "it cannot be renewed", plain(auth_type="v3token"), ("auth_type", "use password")),
    Refused("type of files", "it reads a file", plain(auth_type="v3tokenlessauth"), ("auth_type", "use password")),
    Refused("type of a number", "no such type", plain(auth_type=3), ("auth_type", "use password")),
    Refused(
        "type in capitals", "keystoneauth knows them in small letters", plain(auth_type="Password"), ("auth_type",)
    ),
    Refused("a token under auth", "not of its type", plain({**PASSWORD, "token": "t"}), ("token", "under auth")),
    Refused("a system scope", "servers are a project's", plain({**PASSWORD, "system_scope": "all"}), ("system_scope",)),
    Refused("a trust", "not of its type", plain({**PASSWORD, "trust_id": "t"}), ("trust_id", "under auth")),
    Refused(
        "a password of an application credential",
        "each type has its own keys",
        plain({**APPLICATION, "password": SECRETS[0]}, auth_type="v3applicationcredential"),
        ("password", "under auth"),
    ),
    Refused("no auth", "nothing to authenticate with", {"region_name": "r"}, ("no `auth:`",)),
    Refused("auth of text", "no mapping", {"auth": "x"}, ("no `auth:`",)),
    Refused("no auth_url", "nowhere to go", plain({"username": "u"}), ("no auth_url",)),
    Refused("an empty auth_url", "nowhere to go", plain({**PASSWORD, "auth_url": ""}), ("auth_url", "http or https")),
    Refused("a null auth_url", "nowhere to go", plain({**PASSWORD, "auth_url": None}), ("auth_url", "http or https")),
    Refused("a file URL", "a file", plain({**PASSWORD, "auth_url": "file:///etc/passwd"}), ("http or https",)),
    Refused("a gopher URL", "any bytes to any port", plain({**PASSWORD, "auth_url": "gopher://x"}), ("auth_url",)),
    Refused("a URL without a host", "nowhere", plain({**PASSWORD, "auth_url": "http:///v3"}), ("auth_url",)),
    Refused("a bad port", "nowhere", plain({**PASSWORD, "auth_url": "http://k:99999/v3"}), ("auth_url",)),
    Refused("a half bracket", "no URL", plain({**PASSWORD, "auth_url": "http://[::1/v3"}), ("auth_url",)),
    Refused(
        "a password in the URL",
        "URLs are shown in messages",
        plain({**PASSWORD, "auth_url": f"https://me:{SECRETS[0]}@keystone/v3"}),
        ("auth_url", "http or https"),
    ),
    Refused(
        "a file as the discovery document",
        "a file",
        plain({**OIDC, "discovery_endpoint": "file:///etc/passwd"}, auth_type="v3oidcclientcredentials"),
        ("discovery_endpoint", "http or https"),
    ),
    Refused(
        "an override that is no URL",
        "nowhere",
        plain(compute_endpoint_override="/etc"),
        ("compute_endpoint_override", "http or https"),
    ),
    Refused("a password that is a list", "no text", plain({**PASSWORD, "password": ["a"]}), ("password", "no text")),
    Refused("a region that is a list", "no text", plain(region_name=["a"]), ("region_name", "no text")),
    Refused("an unknown interface", "no such one", plain(interface="secret"), ("interface", "admin, internal, public")),
    Refused("a cloud of text", "no mapping", "x", ("openstack", "not a mapping")),
    Refused("a cloud that is empty", "no mapping", None, ("openstack", "not a mapping")),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in REFUSED])
def test_what_is_not_allowed_is_named_and_refused(case: Refused) -> None:
    with pytest.raises(case.error) as refusal:
        parse(case.entry)
    message = str(refusal.value)
    assert [name for name in case.names if name not in message] == []
    assert [secret for secret in SECRETS if secret in message] == []
    assert "openstack" in message


FILES = [
    Refused("too large", "nobody needs that much", "#" * 65537, ("larger than 65536 bytes",)),
    Refused("a bomb of aliases", "it grows in memory", "a: &a [x]\nclouds: [*a, *a]", ("aliases", "Write it out")),
    Refused("a merge key", "it is an alias", "a: &a {x: 1}\nclouds: {c: {<<: *a}}", ("aliases", "Write it out")),
    Refused("an alias of itself", "it has no end", "clouds: &a [*a]", ("aliases", "Write it out")),
    Refused("a Python object", "it runs code", "clouds: !!python/object/apply:os.getcwd []", ()),
    Refused("an unknown tag", "nobody reads it", "clouds: !secret x", ()),
    Refused("bytes", "no text", b"\xff\xfe\x00", ("not valid YAML",)),
    Refused("a control character", "YAML has none", "clouds: \x00", ("not valid YAML",)),
    Refused("an open bracket", "it is cut", f'clouds: {{openstack: {{auth: {{password: "{SECRETS[0]}"', ("YAML",)),
    Refused("a missing blank", "it is no mapping", f"clouds:\n  a: 1\n  password:{SECRETS[0]}\n", ("not valid YAML",)),
    Refused("two documents", "which one counts", "clouds: {}\n---\nclouds: {}", ("not valid YAML",)),
    Refused("deep nesting", "it has no end", "[" * 400, ()),
    Refused("an impossible date", "YAML reads it as one", "clouds: 2026-13-45", ()),
    Refused("a list as a key", "it is no mapping of text", "clouds: {[a]: b}", ("not valid YAML",)),
    Refused("an endless number", "Python reads no such one", f"clouds: {'9' * 5000}", ()),
    Refused("empty", "no clouds", "", ("no `clouds:`",)),
    Refused("text", "no mapping", SECRETS[0], ("no `clouds:`",)),
    Refused("a list", "no mapping", "[a]", ("no `clouds:`",)),
    Refused("clouds of text", "no mapping", "clouds: x", ("no `clouds:`",)),
    Refused("clouds.yml of another tool", "no clouds", "cloud: {openstack: {}}", ("no `clouds:`",)),
    Refused(
        "no such cloud", "it is not there", "clouds: {a: {}, b: {}}", ("openstack", "a, b"), cloud.CredentialsMissing
    ),
    Refused("no cloud at all", "it is not there", "clouds: {}", ("openstack", "none"), cloud.CredentialsMissing),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in FILES])
def test_a_file_that_is_no_clouds_yaml_is_refused(case: Refused) -> None:
    with pytest.raises(case.error) as refusal:
        parsed(case.entry)
    message = str(refusal.value)
    assert [name for name in case.names if name not in message] == []
    assert [secret for secret in SECRETS if secret in message] == []
    assert "clouds.yaml" in message


def test_many_long_names_do_not_make_a_long_sentence() -> None:
    with pytest.raises(cloud.CredentialsMissing) as refusal:
        parsed(json.dumps({"clouds": {f"{number}-{'x' * 1000}": {} for number in range(50)}}))
    assert len(str(refusal.value)) < 1000
