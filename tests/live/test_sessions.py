"""Tokens, identity, regions: who we are in a cloud, and what is said when we are not let in."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lessor.live.nova import Nova
from lessor.model.observed import CloudIdentity
from lessor.ports import cloud
from tests.live import openstack
from tests.live.openstack import PASSWORD, SERVER, Answer, Heard, OpenStack, clouds_yaml, connect, fault
from tests.runtime.clock import SetClock

GET = f"GET /v2.1/servers/{SERVER}"
TOKEN = "POST /v3/auth/tokens"


def configured(stack: OpenStack, auth: dict[str, Any], **changes: Any) -> bytes:
    entry = {"auth": {"auth_url": f"{stack.url}/v3", **auth}, **changes}
    return json.dumps({"clouds": {"openstack": entry}}).encode()


# ------------------------------------------------------------ tokens


def test_one_token_serves_many_requests(stack: OpenStack, nova: Nova) -> None:
    for _ in range(5):
        nova.server(SERVER)
    assert stack.tokens() == 1
    assert {asked.headers["X-Auth-Token"] for asked in stack.asked[1:]} == {"token-1"}


def test_a_token_is_taken_before_anything_is_asked(stack: OpenStack) -> None:
    nova = connect(clouds_yaml(stack.url))
    assert nova.identity == CloudIdentity(auth_url=f"{stack.url}/v3", region="RegionOne", project_id="p1", user_id="u1")
    assert stack.tokens() == 1
    assert stack.lines() == []


def test_a_token_that_is_no_longer_good_is_renewed_once(stack: OpenStack, nova: Nova) -> None:
    stack.boots()
    stack.revokes()
    assert nova.server(SERVER) is not None
    assert stack.tokens() == 2
    assert stack.lines() == [GET, GET]


def test_401_after_a_new_token_is_the_end_of_it(stack: OpenStack, nova: Nova) -> None:
    stack.says(GET, fault(401, "Who are you?"))
    with pytest.raises(cloud.CredentialsRefused, match=r"Nova answered 401: Who are you\?"):
        nova.server(SERVER)
    assert stack.tokens() == 2
    assert stack.lines() == [GET, GET]


def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used(stack: OpenStack) -> None:
    stack.expires = "2020-01-01T00:00:00.000000Z"
    nova = connect(clouds_yaml(stack.url))
    nova.server(SERVER)
    assert stack.asked[-1].headers["X-Auth-Token"] == "token-2"
    assert stack.lines() == [GET]


def test_a_password_that_was_changed_is_refused_in_keystone_s_words(stack: OpenStack, nova: Nova) -> None:
    stack.revokes()
    stack.password = "another"
    with pytest.raises(cloud.CredentialsRefused) as refusal:
        nova.server(SERVER)
    assert str(refusal.value).startswith(
        "Keystone refused the credentials (401): The password is wrong, says Keystone."
    )


@dataclass(frozen=True)
class Refusal:
    id: str
    answer: Answer
    want: type[cloud.CloudError]
    words: str


REFUSALS = [
    Refusal("401", fault(401, "No."), cloud.CredentialsRefused, "Keystone refused the credentials (401): No."),
    Refusal(
        "403", fault(403, "Disabled."), cloud.CredentialsRefused, "Keystone refused the credentials (403): Disabled."
    ),
    Refusal(
        "404",
        Answer(code=404, body={"error": {"code": 404, "message": "Nothing here."}}),
        cloud.CredentialsRefused,
        "(404): Nothing here.",
    ),
    Refusal("429", fault(429, "Slow down."), cloud.CloudUnavailable, "Keystone answered 429: Slow down."),
    Refusal("500", fault(500, "Oops."), cloud.CloudUnavailable, "Keystone answered 500: Oops."),
    Refusal("503", Answer(code=503, body=b"<p>away</p>"), cloud.CloudUnavailable, "Keystone answered 503"),
    Refusal("long", fault(401, "x" * 5000), cloud.CredentialsRefused, "x..."),
    Refusal("control characters", fault(401, "a\n\x1b[31mb"), cloud.CredentialsRefused, "a [31mb"),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in REFUSALS])
def test_keystone_s_refusal_is_told_in_its_words(stack: OpenStack, case: Refusal) -> None:
    stack.says(TOKEN, case.answer)
    with pytest.raises(case.want) as refusal:
        connect(clouds_yaml(stack.url))
    message = str(refusal.value)
    assert case.words in message
    assert message.isprintable()
    assert len(message) < 330
    assert PASSWORD not in message
    assert stack.tokens() == 1


def test_a_cloud_that_is_away_is_unavailable_and_names_no_secret() -> None:
    with openstack.serving() as stack:
        config = clouds_yaml(stack.url)
    with pytest.raises(cloud.CloudUnavailable) as fault:
        connect(config)
    assert "127.0.0.1" in str(fault.value)
    assert PASSWORD not in str(fault.value)


def test_a_nova_that_is_away_is_unavailable(stack: OpenStack) -> None:
    with openstack.serving() as other:
        stack.endpoints["compute"] = f"{other.url}/v2.1"
    nova = connect(clouds_yaml(stack.url))
    with pytest.raises(cloud.CloudUnavailable):
        nova.stop(SERVER)


# ------------------------------------------------------------ the ways to authenticate


def test_an_application_credential_gets_a_token(stack: OpenStack) -> None:
    auth = {"application_credential_id": "ac", "application_credential_secret": PASSWORD}
    nova = connect(configured(stack, auth, auth_type="v3applicationcredential"))
    assert nova.identity.project_id == "p1"
    assert stack.asked[0].body["auth"]["identity"]["methods"] == ["application_credential"]


def test_oidc_client_credentials_get_a_token(stack: OpenStack) -> None:
    federation = "POST /v3/OS-FEDERATION/identity_providers/sso/protocols/openid/auth"
    stack.says("POST /idp/token", Answer(body={"access_token": "from-the-idp"}))
    stack.says(federation, stack.given())
    auth = {
        "identity_provider": "sso",
        "protocol": "openid",
        "client_id": "lessor",
        "client_secret": PASSWORD,
        "access_token_endpoint": f"{stack.url}/idp/token",
        "project_id": "p1",
    }
    nova = connect(configured(stack, auth, auth_type="v3oidcclientcredentials"))
    assert nova.identity.user_id == "u1"
    assert [asked.line for asked in stack.asked] == ["POST /idp/token", federation, TOKEN]


@pytest.mark.parametrize("path", ["", "/", "/v3", "/v3/"])
def test_a_keystone_url_may_be_spelled_with_or_without_its_version(stack: OpenStack, path: str) -> None:
    auth = {"auth_url": f"{stack.url}{path}", "username": "u", "user_domain_id": "default", "password": PASSWORD}
    nova = connect(configured(stack, auth))
    assert nova.identity.auth_url == f"{stack.url}/v3"


# ------------------------------------------------------------ regions and the catalogue


def test_several_regions_must_be_chosen_from(stack: OpenStack) -> None:
    stack.regions = ("west", "east")
    with pytest.raises(cloud.InvalidCredentials, match=r"set region_name to one of \['east', 'west'\]"):
        connect(clouds_yaml(stack.url))


def test_the_region_that_is_named_is_the_one_that_is_used(stack: OpenStack) -> None:
    stack.regions = ("west", "east")
    assert connect(clouds_yaml(stack.url, region_name="east")).identity.region == "east"


@pytest.mark.parametrize(
    ("lacking", "config", "words"),
    [
        ("compute", {}, "The catalogue of Keystone has no Nova (compute)."),
        ("image", {}, "The catalogue of Keystone has no Glance (image)."),
        ("none", {"region_name": "west"}, "The catalogue of Keystone has no Nova (compute) in region west."),
        ("none", {"interface": "admin"}, "The catalogue of Keystone has no Nova (compute)."),
    ],
)
def test_what_the_catalogue_lacks_is_named(stack: OpenStack, lacking: str, config: dict[str, str], words: str) -> None:
    stack.lacking = frozenset({lacking})
    with pytest.raises(cloud.CloudUnavailable) as fault:
        connect(clouds_yaml(stack.url, **config))
    assert str(fault.value) == words


def test_an_override_stands_in_for_what_the_catalogue_lacks(stack: OpenStack) -> None:
    stack.lacking = frozenset({"compute"})
    nova = connect(clouds_yaml(stack.url, compute_endpoint_override=f"{stack.url}/v2.1", region_name="RegionOne"))
    nova.server(SERVER)
    assert nova.identity.region == "RegionOne"
    assert stack.lines() == [GET]


@pytest.mark.parametrize("ending", ["", "/", "/v2.1", "/v2.1/", "/v2.1/0123abcd", "/v2/0123abcd/"])
def test_nova_is_found_whatever_its_url_ends_with(stack: OpenStack, ending: str) -> None:
    stack.endpoints["compute"] = f"{stack.url}{ending}"
    connect(clouds_yaml(stack.url)).server(SERVER)
    assert stack.lines() == [GET]


def test_nova_behind_a_path_is_found(stack: OpenStack) -> None:
    stack.endpoints["compute"] = f"{stack.url}/compute/v2.1"
    connect(clouds_yaml(stack.url)).server(SERVER)
    assert stack.lines() == [f"GET /compute/v2.1/servers/{SERVER}"]


# ------------------------------------------------------------ what is told of each request


def test_each_request_is_counted_by_service_verb_and_code(stack: OpenStack) -> None:
    heard = Heard()
    nova = connect(clouds_yaml(stack.url), heard=heard)
    nova.server(SERVER)
    stack.says(GET, Answer(body={"server": openstack.record()}, cut=True))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    assert heard.requests == [
        ("keystone", "token", "201"),
        ("nova", "servers.get", "404"),
        ("nova", "servers.get", "none"),
    ]


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Sun, 01 Mar 2026 08:00:00 GMT", ["nova 2026-03-01T08:00:00"]),
        ("Sun, 01 Mar 2026 08:00:00 -0000", ["nova 2026-03-01T08:00:00"]),
        ("yesterday", []),
        ("", []),
    ],
)
def test_the_date_of_an_answer_is_told_when_it_is_one(stack: OpenStack, date: str, told: list[str]) -> None:
    heard = Heard()
    nova = connect(clouds_yaml(stack.url), heard=heard)
    stack.says(GET, Answer(body={"server": openstack.record()}, headers={"Date": date}))
    nova.server(SERVER)
    assert heard.dates == told


def test_the_date_of_a_refusal_is_told_as_well(stack: OpenStack) -> None:
    heard = Heard()
    nova = connect(clouds_yaml(stack.url), heard=heard)
    stack.says(GET, fault(503, "away", Date="Sun, 01 Mar 2026 08:00:00 GMT"))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    assert heard.dates == ["nova 2026-03-01T08:00:00"]


# ------------------------------------------------------------ a service that asks to be left alone


@pytest.mark.parametrize("code", [413, 429, 503])
def test_a_service_that_asks_for_a_pause_is_not_asked_before_its_end(stack: OpenStack, code: int) -> None:
    clock = SetClock()
    nova = connect(clouds_yaml(stack.url), clock=clock)
    stack.says(GET, fault(code, "Slow down.", Retry_After="30"), Answer(body={"server": openstack.record()}))
    with pytest.raises(cloud.CloudUnavailable, match="Slow down"):
        nova.server(SERVER)
    clock.pass_(29.9)
    with pytest.raises(cloud.CloudUnavailable, match="Nova asked to be left alone"):
        nova.stop(SERVER)
    assert stack.lines() == [GET]
    clock.pass_(0.1)
    assert nova.server(SERVER) is not None


def test_the_others_are_asked_meanwhile(stack: OpenStack, nova: Nova) -> None:
    stack.says(GET, fault(503, "Slow down.", Retry_After="30"))
    stack.says("GET /v2/images", Answer(body={"images": []}))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    assert nova.stage_image(SERVER, "uid/0") is None


@pytest.mark.parametrize("asked", ["86400", "9" * 400, "Sun, 01 Mar 2099 08:00:00 GMT"])
def test_no_pause_is_longer_than_ten_minutes(stack: OpenStack, asked: str) -> None:
    clock = SetClock()
    nova = connect(clouds_yaml(stack.url), clock=clock)
    stack.says(GET, fault(503, "Away.", Retry_After=asked), Answer(body={"server": openstack.record()}))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    clock.pass_(600)
    assert nova.server(SERVER) is not None


def test_a_refusal_without_a_pause_asks_for_none(stack: OpenStack, nova: Nova) -> None:
    stack.says(GET, fault(503, "Away."), Answer(body={"server": openstack.record()}))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    assert nova.server(SERVER) is not None


# ------------------------------------------------------------ the smallest question


def test_a_probe_asks_for_one_server_and_reads_nothing(stack: OpenStack, nova: Nova) -> None:
    stack.says("GET /v2.1/servers", Answer(body=b"anything"))
    nova.probe()
    assert stack.lines() == ["GET /v2.1/servers"]
    assert stack.asked[-1].query == {"limit": "1"}


def test_a_probe_of_a_cloud_that_is_away_says_so(stack: OpenStack, nova: Nova) -> None:
    stack.says("GET /v2.1/servers", fault(503, "Away."))
    with pytest.raises(cloud.CloudUnavailable):
        nova.probe()
