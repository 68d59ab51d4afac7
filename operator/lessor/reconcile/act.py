"""Effects out: one deed in the cloud, after the object was read again and, before harm, its renewals were listed."""

from dataclasses import replace

from lessor.decide.facts import Facts, Failed
from lessor.model.conditions import Fault, Reason
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.meta import ObjectMeta
from lessor.model.names import Kind
from lessor.model.plans import Deed, Effect, Purpose
from lessor.ports.cloud import Cloud, CloudError, WrongState
from lessor.ports.objects import Objects
from lessor.reconcile.given import Ports


def unchanged(kind: Kind, meta: ObjectMeta, objects: Objects) -> bool:
    """Read the object again: it is there, still holds our finalizer, and nobody changed it."""
    seen = objects.reread(kind, meta)
    return seen is not None and seen.resource_version == meta.resource_version and seen.held


def new_requests(known: tuple[LeaseRenewal, ...], listed: tuple[LeaseRenewal, ...]) -> bool:
    """Tell whether the list holds a request that is open and was not known when the plan was made."""
    before = {request.metadata.uid for request in known if not request.decided}
    return any(not request.decided and request.metadata.uid not in before for request in listed)


def harms(effect: Effect) -> bool:
    """Tell whether the renewals must be listed before this effect."""
    return effect.purpose is Purpose.STAGE


def attempt(facts: Facts, effect: Effect, ports: Ports) -> Facts:
    """Do it, and give the facts with what came of it; nothing is raised for a refusal of the cloud.

    Raises:
        NotLeading: nothing was done.
    """
    ports.leading.assure()
    try:
        _perform(effect, ports.cloud)
    except CloudError as error:
        return replace(facts, failed=(*_others(facts, effect), _failed(effect, error)))
    return replace(facts, done=facts.done | {effect.deed}, failed=_others(facts, effect))


def _others(facts: Facts, effect: Effect) -> tuple[Failed, ...]:
    return tuple(failed for failed in facts.failed if failed.effect.deed is not effect.deed)


def _failed(effect: Effect, error: CloudError) -> Failed:
    reason = Reason.CLOUD_UNAVAILABLE if error.reason is Reason.MISSING else error.reason
    return Failed(effect=effect, fault=Fault(reason, str(error)), wrong_state=isinstance(error, WrongState))


def _perform(effect: Effect, cloud: Cloud) -> None:  # noqa: C901 (one line a deed)
    server = effect.server_id
    match effect.deed:
        case Deed.STOP:
            cloud.stop(server)
        case Deed.START:
            cloud.start(server)
        case Deed.LOCK:
            cloud.lock(server, effect.text)
        case Deed.UNLOCK:
            cloud.unlock(server)
        case Deed.SHELVE:
            cloud.shelve(server)
        case Deed.UNSHELVE:
            cloud.unshelve(server)
        case Deed.SNAPSHOT:
            cloud.snapshot(server, effect.text, effect.stage)
        case Deed.DELETE:
            cloud.delete(server)
        case Deed.WRITE_MARK:
            cloud.write_metadata(server, dict(effect.items or {}))
        case Deed.REMOVE_MARK:
            cloud.remove_metadata(server, effect.text)
        case Deed.SWEEP_IMAGE:
            cloud.sweep_shelved_image(server, effect.text)
