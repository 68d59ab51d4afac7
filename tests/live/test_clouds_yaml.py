"""Mistakes and malice in a clouds.yaml that YAML itself lets through: what they cost and what they show."""

import json

import pytest

from lessor.ports import cloud
from tests.live.test_credentials import PASSWORD, SECRETS, URL, parse, parsed, plain


def refusal(text: str) -> str:
    with pytest.raises(cloud.CloudError) as raised:
        parsed(text)
    return str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        f"clouds: {{openstack: {{auth: {{auth_url: '{URL}', username: u, password:{SECRETS[0]}}}}}}}",
        f"clouds: {{openstack: {{auth: {{auth_url: '{URL}'}}, password:{SECRETS[0]}}}}}",
        f"clouds: {{password:{SECRETS[0]}}}",
        f'clouds:\n  openstack:\n    auth:\n      ? "password:{SECRETS[0]}"\n',
    ],
)
def test_a_key_that_swallowed_its_value_is_not_shown_whole(text: str) -> None:
    """A blank is missing behind `password:`; in a flow mapping that is a key without a value."""
    assert SECRETS[0] not in refusal(text)


@pytest.mark.parametrize("value", ["[password]", "{a: b}"])
def test_an_auth_type_that_is_no_text_is_refused(value: str) -> None:
    assert "auth_type" in refusal(f"clouds: {{openstack: {{auth_type: {value}, auth: {json.dumps(PASSWORD)}}}}}")


@pytest.mark.parametrize(
    "value", [f"!!bool {SECRETS[0]}", '!!int ""', '!!float ""', "!!timestamp x", f"!secret {SECRETS[0]}", "!!str x"]
)
def test_a_tag_is_refused_as_one_and_shows_nothing(value: str) -> None:
    message = refusal(f"clouds: {{openstack: {{auth: {{auth_url: '{URL}', password: {value}}}}}}}")
    assert "tag" in message
    assert SECRETS[0] not in message


@pytest.mark.parametrize(
    "written",
    ["0123456", "1_000", "12:30:45", "0x1F", "0b101", "+7", "1.50", "2026-01-01", "2026-13-45", "yes"],
)
def test_a_password_is_sent_as_it_is_written(written: str) -> None:
    """YAML 1.1 reads these as other things: octal and sexagesimal numbers, dates, truths."""
    text = f"clouds: {{openstack: {{auth: {{auth_url: '{URL}', username: u, password: {written}}}}}}}"
    assert parsed(text).auth["password"] == written


@pytest.mark.parametrize("key", ["\x1b[31mred", "two\nlines", "\u202eright to left"])
def test_a_name_of_the_file_is_shown_in_printable_characters(key: str) -> None:
    for entry in (plain(**{key: 1}), plain({**PASSWORD, key: 1})):
        with pytest.raises(cloud.InvalidCredentials) as raised:
            parse(entry)
        assert str(raised.value).isprintable()
    with pytest.raises(cloud.CredentialsMissing) as missing:
        parsed(json.dumps({"clouds": {key: {}}}))
    assert str(missing.value).isprintable()


@pytest.mark.parametrize("opening", ["[", "{", "{a: "])
def test_a_file_that_nests_without_end_is_refused_as_soon_as_that_is_seen(opening: str) -> None:
    """PyYAML would take a minute of CPU for 64 KiB of brackets, by the events alone."""
    assert "nest" in refusal(opening * (65536 // len(opening)))
