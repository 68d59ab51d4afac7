"""The rules of ObjectMeta: what a client may say in it, and what only the server says.

Source: k8s.io/apiserver/pkg/registry/rest/{create,update}.go, k8s.io/apimachinery/pkg/api/validation/objectmeta.go.
"""

import random
import re
import uuid
from datetime import datetime

from lessor.simulated.cluster import refusals
from lessor.simulated.cluster.refusals import Cause, shown
from lessor.simulated.cluster.registry import Target
from lessor.simulated.cluster.resources import Object, stamp

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SERVERS = ("selfLink", "managedFields", "resourceVersion")
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def born(raw: Object, target: Target, now: datetime, ids: random.Random) -> Object:
    """Give the metadata of a new object."""
    sent = {name: value for name, value in raw["metadata"].items() if name not in (*_SERVERS, *_KEPT)}
    if not sent.get("name") and sent.get("generateName"):
        sent["name"] = f"{sent['generateName']}" + "".join(ids.choices(_LETTERS, k=5))
    if target.resource.namespaced:
        sent["namespace"] = target.namespace
    if not target.resource.storage:
        return _tidy(sent)
    sent["uid"] = str(uuid.UUID(int=ids.getrandbits(128), version=4))
    sent["creationTimestamp"] = stamp(now)
    if target.resource.generations:
        sent["generation"] = 1
    return _tidy(sent)


def changed(new: Object, old: Object) -> Object:
    """Give the metadata of a changed object: what is the server's stays as it was."""
    sent = {name: value for name, value in new["metadata"].items() if name not in _SERVERS}
    was = old["metadata"]
    kept = {name: was[name] for name in _KEPT if name in was and (name != "uid" or not sent.get("uid"))}
    sent.pop("generation", None)
    return _tidy({**sent, **kept, "resourceVersion": was["resourceVersion"]})


def _tidy(metadata: Object) -> Object:
    """Leave out what is empty, as Go does."""
    return {name: value for name, value in metadata.items() if value not in (None, "", {}, [])}


def check_place(raw: Object, target: Target) -> None:
    """Check that the object says no other name and namespace than the path.

    Raises:
        Refusal: 400.
    """
    metadata = raw["metadata"]
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if target.name and not name:
        raise refusals.bad_request("name must be provided")
    if target.name and name != target.name:
        words = f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        raise refusals.bad_request(words)
    if namespace and namespace != target.namespace:
        words = "the namespace of the provided object does not match the namespace sent on the request"
        raise refusals.bad_request(words)


def faults(new: Object, target: Target, old: Object | None) -> list[Cause]:
    """Give what is wrong with the metadata."""
    metadata = new["metadata"]
    found = list(_name_faults(str(metadata.get("name", "")), target))
    if old is None:
        return found
    was = old["metadata"]
    for name in ("name", "uid"):
        if metadata.get(name) != was[name]:
            words = f"Invalid value: {shown(metadata.get(name))}: field is immutable"
            found.append(Cause("FieldValueInvalid", words, f"metadata.{name}"))
    added = [each for each in metadata.get("finalizers", ()) if each not in was.get("finalizers", ())]
    if added and was.get("deletionTimestamp"):
        listed = ", ".join(f'"{each}"' for each in added)
        words = "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers"
        found.append(Cause("FieldValueForbidden", f"{words} []string{{{listed}}}", "metadata.finalizers"))
    return found


def _name_faults(name: str, target: Target) -> list[Cause]:
    if not name:
        return [Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")]
    label = target.resource.plural == "namespaces" and not target.resource.group
    pattern, words, longest = (_LABEL, _LABEL_WORDS, 63) if label else (_SUBDOMAIN, _SUBDOMAIN_WORDS, 253)
    faults = [] if pattern.fullmatch(name) else [words]
    if len(name) > longest:
        faults.append(f"must be no more than {longest} characters")
    return [Cause("FieldValueInvalid", f"Invalid value: {shown(name)}: {fault}", "metadata.name") for fault in faults]
