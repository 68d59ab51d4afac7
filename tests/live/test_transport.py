"""The wire under one deadline, within one size, to allowed addresses only, trusting nobody but whom the Secret says."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lessor.live.nova import Nova
from lessor.ports import cloud
from tests.live import certificates, openstack
from tests.live.openstack import PASSWORD, SERVER, Answer, OpenStack, clouds_yaml, connect, record
from tests.runtime.clock import SetClock

GET = f"GET /v2.1/servers/{SERVER}"
LIST = "GET /v2.1/servers/detail"
ACTION = f"POST /v2.1/servers/{SERVER}/action"


def dripping(body: dict[str, Any], clock: SetClock, **changes: Any) -> Answer:
    """Give an answer that comes byte by byte, half a second each, and is more than any buffer takes at once."""
    content = json.dumps(body).encode() + b" " * 300_000
    return Answer(body=content, after_byte=lambda: clock.pass_(0.5), **changes)


# ------------------------------------------------------------ the deadline


def test_a_server_that_drips_gets_no_more_time_than_one_that_is_silent(stack: OpenStack) -> None:
    clock = SetClock()
    nova = connect(clouds_yaml(stack.url), clock=clock)
    stack.says(GET, dripping({"server": record()}, clock))
    with pytest.raises(cloud.CloudUnavailable, match="did not answer"):
        nova.server(SERVER)


def test_a_deed_whose_answer_is_too_late_is_not_sent_again(stack: OpenStack) -> None:
    clock = SetClock()
    nova = connect(clouds_yaml(stack.url), clock=clock)
    stack.says(ACTION, dripping({}, clock, code=202))
    with pytest.raises(cloud.CloudUnavailable):
        nova.stop(SERVER)
    assert stack.lines() == [ACTION]


def test_a_keystone_that_drips_is_held_to_the_same_deadline(stack: OpenStack) -> None:
    clock = SetClock()
    given = stack.given()
    stack.says("POST /v3/auth/tokens", dripping(given.body, clock, code=201, headers=given.headers))
    with pytest.raises(cloud.CloudUnavailable, match="Keystone did not answer"):
        connect(clouds_yaml(stack.url), clock=clock)


def test_a_new_token_is_paid_from_the_same_deadline(stack: OpenStack) -> None:
    clock = SetClock()
    nova = connect(clouds_yaml(stack.url), clock=clock)
    stack.revokes()
    given = stack.given()
    slow = Answer(code=201, body=given.body, headers=given.headers, after_byte=lambda: clock.pass_(0.02))
    stack.says("POST /v3/auth/tokens", slow)  # it takes more than the ten seconds that the whole call has
    assert len(slow.content) * 0.02 > 10
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    assert stack.lines() == [GET]


def test_a_list_has_a_minute(stack: OpenStack) -> None:
    clock = SetClock()
    nova = connect(clouds_yaml(stack.url), clock=clock)
    body = b'{"servers": []' + b" " * 28 + b"}"
    stack.says(LIST, Answer(body=body, after_byte=lambda: clock.pass_(1)))
    assert list(nova.pages(None)) == [()]


def test_each_call_has_its_own_deadline(stack: OpenStack) -> None:
    clock = SetClock()
    nova = connect(clouds_yaml(stack.url), clock=clock)
    for _ in range(5):
        clock.pass_(3600)
        nova.server(SERVER)
    assert len(stack.lines()) == 5


# ------------------------------------------------------------ the size


def test_an_answer_over_a_mebibyte_is_not_read(stack: OpenStack, nova: Nova) -> None:
    stack.says(GET, Answer(body=b'{"server": "' + b"x" * (1 << 20) + b'"}'))
    with pytest.raises(cloud.CloudUnavailable, match="larger than 1048576 bytes"):
        nova.server(SERVER)


def test_what_a_small_answer_unpacks_to_is_counted(stack: OpenStack, nova: Nova) -> None:
    body = gzip.compress(b" " * (4 << 20))
    stack.says(GET, Answer(body=body, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(cloud.CloudUnavailable, match="larger than 1048576 bytes"):
        nova.server(SERVER)


def test_a_body_that_is_not_what_its_encoding_says_is_no_answer(stack: OpenStack, nova: Nova) -> None:
    stack.says(GET, Answer(body=b"plain", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)


def test_a_page_of_a_list_may_be_larger(stack: OpenStack, nova: Nova) -> None:
    records = [record(f"s{number}", **{"OS-EXT-SRV-ATTR:user_data": "x" * 65535}) for number in range(40)]
    stack.says(LIST, Answer(body={"servers": records}))
    assert [len(page) for page in nova.pages(None)] == [40]


def test_an_unread_answer_does_not_spoil_the_next_one(stack: OpenStack, nova: Nova) -> None:
    stack.boots()
    stack.says(GET, Answer(body=b"x" * (2 << 20)), Answer(body={"server": record()}))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    assert nova.server(SERVER) is not None


# ------------------------------------------------------------ where it may lead


def test_a_loopback_keystone_is_refused_before_anything_is_sent(stack: OpenStack) -> None:
    with pytest.raises(cloud.InvalidCredentials, match=r"127\.0\.0\.1 leads to .* a loopback address: that is not"):
        connect(clouds_yaml(stack.url), loopback=False)
    assert stack.asked == []


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433"])
def test_so_is_one_that_only_resolves_to_it(stack: OpenStack, host: str) -> None:
    with pytest.raises(cloud.InvalidCredentials, match="a loopback address"):
        connect(clouds_yaml(stack.url.replace("127.0.0.1", host)), loopback=False)
    assert stack.asked == []


@pytest.mark.parametrize("url", ["http://169.254.169.254/v2.1", "https://[fe80::1]/v2.1", "http://0.0.0.0:80/"])
def test_an_endpoint_of_the_catalogue_may_lead_no_further(stack: OpenStack, url: str) -> None:
    stack.endpoints["compute"] = url
    nova = connect(clouds_yaml(stack.url))
    with pytest.raises(cloud.InvalidCredentials, match="that is not allowed"):
        nova.stop(SERVER)


def test_nor_may_an_override(stack: OpenStack) -> None:
    nova = connect(clouds_yaml(stack.url, image_endpoint_override="http://169.254.169.254"))
    with pytest.raises(cloud.InvalidCredentials, match="that is not allowed"):
        nova.stage_image(SERVER, "uid/0")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_of_keystone_is_not_followed(stack: OpenStack, code: int) -> None:
    stack.says("POST /v3/auth/tokens", Answer(code=code, headers={"Location": f"{stack.url}/v3/else"}))
    with pytest.raises(cloud.CloudError):
        connect(clouds_yaml(stack.url))
    assert stack.tokens() == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_of_nova_is_not_followed(stack: OpenStack, nova: Nova, code: int) -> None:
    stack.says(GET, Answer(code=code, headers={"Location": f"{stack.url}/v2.1/servers/else"}))
    with pytest.raises(cloud.CloudError):
        nova.server(SERVER)
    assert stack.lines() == [GET]


# ------------------------------------------------------------ whom it trusts


def test_the_ca_of_the_secret_is_trusted(tmp_path: Path) -> None:
    pem, wrap = certificates.made(tmp_path)
    with openstack.serving(wrap, "https") as stack:
        stack.boots()
        assert connect(clouds_yaml(stack.url), pem).server(SERVER) is not None


def test_a_server_that_drips_under_tls_is_held_to_the_deadline(tmp_path: Path) -> None:
    pem, wrap = certificates.made(tmp_path)
    clock = SetClock()
    with openstack.serving(wrap, "https") as stack:
        nova = connect(clouds_yaml(stack.url), pem, clock=clock)
        stack.says(GET, dripping({"server": record()}, clock))
        with pytest.raises(cloud.CloudUnavailable, match="did not answer"):
            nova.server(SERVER)


def test_a_ca_that_did_not_sign_is_not_enough(tmp_path: Path) -> None:
    _, wrap = certificates.made(tmp_path)
    other, _ = certificates.made(tmp_path)
    with openstack.serving(wrap, "https") as stack, pytest.raises(cloud.CloudUnavailable):
        connect(clouds_yaml(stack.url), other)
    assert stack.asked == []


def test_without_a_ca_the_public_ones_are_trusted_and_no_other(tmp_path: Path) -> None:
    _, wrap = certificates.made(tmp_path)
    with openstack.serving(wrap, "https") as stack, pytest.raises(cloud.CloudUnavailable):
        connect(clouds_yaml(stack.url))
    assert stack.asked == []


def test_a_certificate_of_another_address_is_refused(tmp_path: Path) -> None:
    pem, wrap = certificates.made(tmp_path, "192.0.2.1")
    with openstack.serving(wrap, "https") as stack, pytest.raises(cloud.CloudUnavailable):
        connect(clouds_yaml(stack.url), pem)
    assert stack.asked == []


@pytest.mark.parametrize("cacert", [b"PEM", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_ca_that_is_none_is_named(stack: OpenStack, cacert: bytes) -> None:
    with pytest.raises(cloud.InvalidCredentials, match="The key cacert of the Secret holds no PEM certificate"):
        connect(clouds_yaml(stack.url), cacert)


def test_the_environment_changes_nothing(stack: OpenStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password other\n")
    with openstack.serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("OS_AUTH_URL", f"{proxy.url}/v3")
        monkeypatch.setenv("OS_PASSWORD", "other")
        monkeypatch.setenv("OS_CLOUD", "other")
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(netrc))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
        connect(clouds_yaml(stack.url)).server(SERVER)
        assert proxy.asked == []
    assert stack.asked[0].body["auth"]["identity"]["password"]["user"]["password"] == PASSWORD
    assert "Authorization" not in stack.asked[0].headers
    assert stack.lines() == [GET]
