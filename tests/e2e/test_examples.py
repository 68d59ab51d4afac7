"""Every example beside the CRDs, against the real API server: accepted, or refused in the promised words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import examples, schemas
from tests.e2e.api import Api
from tests.e2e.conftest import Answer, Kubectl, own_namespace

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def crds(kubectl: Kubectl) -> None:
    answer = kubectl("apply", "-k", str(schemas.CRDS))
    assert answer.returncode == 0, answer.stderr
    answer = kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    assert answer.returncode == 0, answer.stderr


@pytest.fixture(scope="module")
def home(api: Api) -> Iterator[str]:
    """Give one namespace for all examples: each leaves nothing behind."""
    with own_namespace(api) as name:
        yield name


def submit(kubectl: Kubectl, namespace: str, manifest: str, *flags: str) -> Answer:
    """Send a manifest as a person would: apply, or create where the name is to be generated."""
    verb = "create" if "generateName:" in manifest else "apply"
    return kubectl(verb, "-n", namespace, "-f", "-", *flags, input=manifest)


@pytest.mark.parametrize(("path", "refusal"), examples.cases(), ids=examples.name)
def test_the_api_server_answers_as_promised(kubectl: Kubectl, home: str, path: Path, refusal: str | None) -> None:
    *before, judged = examples.steps(path)
    try:
        for manifest in before:
            led_there = submit(kubectl, home, manifest)
            assert led_there.returncode == 0, led_there.stderr
        answer = submit(kubectl, home, judged, "--dry-run=server")
    finally:
        for manifest in before:
            kubectl("delete", "-n", home, "-f", "-", "--ignore-not-found", input=manifest)
    if refusal is None:
        assert answer.returncode == 0, answer.stderr
        assert "Warning" not in answer.stderr
    else:
        assert answer.returncode != 0, answer.stdout
        assert refusal in answer.stderr
