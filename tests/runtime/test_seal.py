"""The installation's id and key: made once, the same for all who start, kept for good."""

import base64

import pytest

from lessor.model.marks import Seal
from lessor.runtime import seal
from lessor.runtime.cluster import Refused, Unavailable
from tests.runtime.apiserver import APIServer

SYSTEM = "/api/v1/namespaces/kube-system"
SECRETS = "/api/v1/namespaces/lessor-system/secrets"
SECRET = f"{SECRETS}/lessor-seal"


@pytest.fixture
def api() -> APIServer:
    api = APIServer()
    api.objects[SYSTEM] = {"metadata": {"uid": "uid-of-the-cluster", "name": "kube-system"}}
    return api


def sealed(api: APIServer, installation: str = "ours", key: bytes = b"k" * 32) -> None:
    data = {"installation": base64.b64encode(installation.encode()), "key": base64.b64encode(key)}
    api.put(SECRET, data={name: value.decode() for name, value in data.items()})


async def ensured(api: APIServer) -> Seal:
    return (await seal.ensure(api.cluster(), "lessor-system")).seal


async def test_the_first_start_makes_one_that_nobody_can_edit(api: APIServer) -> None:
    made = await ensured(api)
    assert made.installation == "uid-of-the-cluster"
    assert len(made.key) == 32
    assert api.objects[SECRET]["immutable"] is True
    assert api.lines() == [f"GET {SECRET}", f"GET {SYSTEM}", f"POST {SECRETS}"]


async def test_later_starts_read_it_and_write_nothing(api: APIServer) -> None:
    first = await ensured(api)
    api.requests.clear()
    assert await ensured(api) == first
    assert api.lines() == [f"GET {SECRET}"]


async def test_two_installations_have_two_keys(api: APIServer) -> None:
    first = await ensured(api)
    del api.objects[SECRET]
    assert (await ensured(api)).key != first.key


async def test_one_that_is_made_meanwhile_by_another_is_the_one_that_counts(api: APIServer) -> None:
    api.before(f"POST {SECRETS}", lambda: sealed(api, "theirs"))
    assert await ensured(api) == Seal("theirs", b"k" * 32)
    assert api.lines("POST") == [f"POST {SECRETS}"]


async def test_a_namespace_that_is_not_there_is_named_with_the_way_out(api: APIServer) -> None:
    api.breaks(f"POST {SECRETS}", 404)
    with pytest.raises(seal.NoNamespace, match=r"no namespace lessor-system; .*--operator-namespace"):
        await ensured(api)


@pytest.mark.parametrize(("code", "error"), [(403, Refused), (503, Unavailable)])
@pytest.mark.parametrize("line", [f"GET {SECRET}", f"GET {SYSTEM}", f"POST {SECRETS}"])
async def test_what_the_api_server_refuses_is_raised_and_no_key_is_made_up(
    api: APIServer, line: str, code: int, error: type[Exception]
) -> None:
    api.breaks(line, code)
    with pytest.raises(error):
        await ensured(api)
    assert SECRET not in api.objects


async def test_a_key_is_never_replaced_because_it_could_not_be_read(api: APIServer) -> None:
    sealed(api)
    api.breaks(f"GET {SECRET}", 500)
    with pytest.raises(Unavailable):
        await ensured(api)
    assert api.lines("POST") == []
