"""How Blazar says no: codes and words of its exceptions, and which of them leave a lease as it was.

Source: blazar/exceptions.py, blazar/manager/exceptions.py, blazar/api/v1/utils.py; blazar/manager/service.py,
update_lease (non_fatal_exceptions).
"""

from collections.abc import Iterable

from lessor.simulated.cloud.refusals import Refused, Service

INTERNAL = "Internal Server Error"


class No(Refused):
    """A no of Blazar's.

    Attributes:
        restores: an update that ends with it leaves the lease in the state in which it was; any other breaks it.
        own: an exception of Blazar's own. Where an action for a reservation ends with it, the reservation fails; one
            of another library's leaves the reservation as it was.
    """

    def __init__(self, code: int, words: str, *, restores: bool = False, own: bool = True) -> None:
        super().__init__(Service.BLAZAR, code, words)
        self.restores = restores
        self.own = own


def internal() -> No:
    """Give the 500 of whatever Blazar does not expect: an unusable trust, a wrong type, an RPC without an answer."""
    return No(500, INTERNAL, own=False)


def invalid_input(words: str) -> No:
    """Give a 400 in these words."""
    return No(400, words, restores=True)


def invalid_status() -> No:
    """Give the 500 of a lease in a state of passage."""
    return No(500, "Invalid lease status.")


def missing(params: Iterable[str], separator: str = ", ") -> No:
    """Give the 400 for parameters that are not there."""
    return No(400, f"Missing parameter {separator.join(params)}", restores=True)


def malformed(param: str) -> No:
    """Give the 400 for a parameter of a wrong form."""
    return No(400, f"Malformed parameter {param}", restores=True)


def malformed_requirements(asked: object) -> No:
    """Give the 400 for properties of a wrong form."""
    return No(400, f"Malformed requirements {asked}", restores=True)


def invalid_date(text: object) -> No:
    """Give the 400 for a date of a wrong form."""
    return No(400, f"{text} is an invalid date. Required format: %Y-%m-%d %H:%M", restores=True)


def invalid_range() -> No:
    """Give the 400 for fewer at most than at least."""
    words = "Invalid values for min/max of hosts. Max must be equal to or larger than min."
    return No(400, words, restores=True)


def not_enough(what: str, *, code: int = 500) -> No:
    """Give the no of a cloud that is full. A lack of floating IPs breaks the lease that asks for more."""
    return No(code, f"Not enough {what} available", restores=what != "floating IPs")


def out_of_limits() -> No:
    """Give the 403 for a date outside the lease."""
    return No(403, "Datetime is out of lease limits")


def unsupported(kind: str) -> No:
    """Give the 500 for a type that has no plugin."""
    return No(500, f"The {kind} resource type is not supported")


def cannot_update(param: str) -> No:
    """Give the 409 for what cannot change."""
    return No(409, f"{param} cannot be updated", restores=True)


def not_implemented(words: str) -> No:
    """Give the 409 for what Blazar does not do yet."""
    return No(409, words)


def exists(name: str) -> No:
    """Give the 409 for an id that is taken, which Blazar takes for a name."""
    return No(409, f"The lease with name: {name} already exists")


def database(kind: str) -> No:
    """Give the 500 of its database, whose words are hidden."""
    return No(500, f"{kind}: A database error occurred")


def policy(action: str) -> No:
    """Give the 403 for a rule of its policy."""
    return No(403, f"Policy doesn't allow blazar:{action} to be performed")


def no_lease(lease_id: str) -> No:
    """Give the 404 for a lease."""
    return No(404, f"Object with {{'lease_id': '{lease_id}'}} not found")


def too_long(seconds: int, most: int, *, code: int) -> No:
    """Give the no to a lease that lasts too long: 403 after a POST, 400 after a PUT."""
    words = f"Lease duration of {seconds} seconds must be less than or equal to the maximum lease duration of {most}"
    return No(code, f"{words} seconds.", restores=True)


def too_early(window: int) -> No:
    """Give the 400 for an extension that comes too early. Chameleon's alone: chi:blazar/enforcement/exceptions.py."""
    return No(400, f"Lease can only be extended within {window} seconds of the leases current end time.", restores=True)


def denied(words: str) -> No:
    """Give the 400 of an external service that decides."""
    return No(400, words, restores=True)


def cannot_update_slots() -> No:
    """Give the 409 for instances that a started lease would have to give up."""
    words = "Instance reservation doesn't allow to reduce/replace reserved instance slots when the reservation is in"
    return No(409, f"{words} active status.", restores=True)
