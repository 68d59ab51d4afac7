"""What a lease leans on outside Blazar: flavors of Nova, external networks and floating IPs of Neutron.

Source: the Compute and Network API references.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from lessor.live.sending import Sender, decoded
from lessor.live.services import NEUTRON, NOVA, Service
from lessor.ports import cloud
from lessor.ports.reservations import LeaseRefused

_MOST_PAGES = 100
# Source: nova/api/validation/parameter_types.py, flavor_id; what is none is not put into a path.
_FLAVOR_ID = re.compile(r"(?!\.)[a-zA-Z0-9. _-]{1,255}")
_TAG = "reservation:"
_MISSING, _NO_LINKS = b"null", b"[]"


class _Entry(msgspec.Struct):
    id: str


class _Link(msgspec.Struct):
    rel: str


class _Flavor(_Entry):
    name: str | None = None


class _OneFlavor(msgspec.Struct):
    flavor: _Flavor


class _Network(_Entry):
    name: str | None = None
    external: bool = msgspec.field(name="router:external", default=False)


class _FloatingIP(_Entry):
    floating_ip_address: str = ""
    project_id: str | None = None
    tags: list[str] = []


T = TypeVar("T", bound=_Entry)


def flavor_id(session: Sender, flavor: str) -> str | None:
    """Give the id of the flavor of this id, else of this name. None: the user sees neither.

    Names are unique. Source: nova/db/api/models.py, Flavors.
    """
    if _FLAVOR_ID.fullmatch(flavor):
        try:
            data = session.send(NOVA, "flavors.get", "GET", f"/flavors/{quote(flavor, safe='')}")
            return decoded(data, _OneFlavor).flavor.id
        except cloud.NotFound:
            pass
    found = _listed(session, NOVA, {"limit": "1000"}, "flavors", list[_Flavor])
    return next((one.id for one in found if one.name == flavor), None)


def network_id(session: Sender, network: str) -> str | None:
    """Give the id of the external network of this id, else of this name. None: there is none.

    Raises:
        LeaseRefused: several have the name.
    """
    for key in ("id", "name"):
        query = {key: network, "router:external": "true"}
        listed = _listed(session, NEUTRON, query, "networks", list[_Network])
        found = sorted(one.id for one in listed if one.external and getattr(one, key) == network)
        if len(found) > 1:
            raise LeaseRefused(f"Several external networks have the name {network!r}: {', '.join(found)}. Name one id.")
        if found:
            return found[0]
    return None


def floating_ips(session: Sender, reservation_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Give the addresses of each reservation; () for one that has none yet: they come when the lease starts.

    Source: blazar/utils/openstack/neutron.py, create_reserved_floatingip: the tags `blazar` and `reservation:<id>`.
    """
    found: dict[str, list[str]] = {one: [] for one in reservation_ids}
    if not found:
        return {}
    ours = session.identity.project_id
    query = {"tags-any": ",".join(f"{_TAG}{one}" for one in found), "project_id": ours}
    for one in _listed(session, NEUTRON, query, "floatingips", list[_FloatingIP]):
        for tag in set(one.tags) if one.project_id in {None, ours} else ():
            if tag.startswith(_TAG) and tag.removeprefix(_TAG) in found:
                found[tag.removeprefix(_TAG)].append(one.floating_ip_address)
    return {one: tuple(sorted(set(addresses), key=_order)) for one, addresses in found.items()}


def _order(address: str) -> tuple[int, int, str]:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return (0, 0, address)
    return (parsed.version, int(parsed), address)


def _listed(session: Sender, service: Service, query: Mapping[str, str], what: str, kind: type[list[T]]) -> list[T]:
    """List all pages. `<what>_links` has a `next` while there may be more.

    Source: nova/api/openstack/common.py, get_links; neutron/api/api_common.py, get_pagination_links.
    """
    asked, found, markers = dict(query), [], set()
    for _ in range(_MOST_PAGES):
        data = session.send(service, f"{what}.list", "GET", f"/{what}?{urlencode(asked)}")
        answer = decoded(data, dict[str, msgspec.Raw])
        page = decoded(bytes(answer.get(what, _MISSING)), kind)
        found.extend(page)
        links = decoded(bytes(answer.get(f"{what}_links", _NO_LINKS)), list[_Link])
        if not page or not any(link.rel == "next" for link in links):
            return found
        marker = page[-1].id
        if marker in markers:
            break
        markers.add(marker)
        asked["marker"] = marker
    raise cloud.CloudUnavailable(f"The list of {what} has no end.")
