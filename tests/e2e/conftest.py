"""What the end-to-end tests share: kubectl for each user of the real API server, and namespaces that go away."""

import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.api import Api
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import User
from tests.e2e.process import Lessor

HOME = Path(os.environ.get("LESSOR_E2E_KUBE_HOME", Path(tempfile.gettempdir()) / "kube"))
KUBECTL = Path(os.environ.get("LESSOR_E2E_KUBECTL", HOME / "bin" / "kubectl"))
ADMIN = Path(os.environ.get("LESSOR_E2E_KUBECONFIG", HOME / "admin.kubeconfig"))
CLOUD_HOME = Path(os.environ.get("LESSOR_E2E_CLOUD_HOME", Path(tempfile.gettempdir()) / "openstack"))
TIMEOUT_SECONDS = 60

Answer = subprocess.CompletedProcess[str]


class Kubectl(Protocol):
    """Runs kubectl as one of the users; never raises on a refusal: look at `returncode` and `stderr`."""

    def __call__(self, *args: str, user: str = "admin", input: str | None = None) -> Answer:  # noqa: A002 (subprocess's word)
        """Run kubectl with these arguments."""


def _kubectl(*args: str, user: str = "admin", input: str | None = None) -> Answer:  # noqa: A002 (subprocess's word)
    kubeconfig = ADMIN if user == "admin" else HOME / f"{user}.kubeconfig"
    command = [str(KUBECTL), "--kubeconfig", str(kubeconfig), *args]
    return subprocess.run(command, input=input, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """Give kubectl for the users admin, alice and bob; fail at once where there is no API server."""
    if not KUBECTL.exists():
        pytest.fail(f"no kubectl at {KUBECTL}: start the real parts with `make e2e`", pytrace=False)
    answer = _kubectl("get", "--raw", "/readyz")
    if answer.returncode:
        pytest.fail(f"the API server does not answer: {answer.stderr}", pytrace=False)
    return _kubectl


@pytest.fixture(scope="session")
def api(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Give the API server without kubectl, which has seen that it is there."""
    del kubectl
    reader = Api(ADMIN, tmp_path_factory.mktemp("api"))
    yield reader
    reader.close()


@contextmanager
def own_namespace(api: Api) -> Iterator[str]:
    """Make a namespace and delete it after use, without waiting for it to go."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    path = f"/api/v1/namespaces/{name}"
    api.apply(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        _let_go(api, name)
        api.delete(path)


def _let_go(api: Api, namespace: str) -> None:
    """Take the finalizers off: no operator is left to do it, and a namespace that cannot go costs everybody."""
    for plural in ("instanceleases", "leases"):
        path = f"/apis/lessor.dev/v1alpha1/namespaces/{namespace}/{plural}"
        for lease in (api.get(path) or {}).get("items", ()):
            api.merge(f"{path}/{lease['metadata']['name']}", {"metadata": {"finalizers": None}})


@pytest.fixture
def namespace(api: Api) -> Iterator[str]:
    """Give a namespace of the test's own."""
    with own_namespace(api) as name:
        yield name


class Users:
    """The users of the real cloud, by name."""

    def __init__(self, clouds: Path) -> None:
        self._clouds = clouds
        self._users: dict[str, User] = {}

    def __getitem__(self, name: str) -> User:
        if name not in self._users:
            self._users[name] = User(self._clouds, name)
        return self._users[name]


@pytest.fixture(scope="session")
def users() -> Users:
    """Give the users of the real cloud, each logged in once."""
    clouds = CLOUD_HOME / "clouds.yaml"
    if not clouds.exists():
        pytest.fail(f"no cloud at {CLOUD_HOME}: start the real parts with `make e2e`", pytrace=False)
    return Users(clouds)


@pytest.fixture(scope="session")
def _crds(kubectl: Kubectl) -> None:
    """Install the CRDs, the admission policies and all else of deploy/."""
    for _ in range(5):
        answer = kubectl("apply", "-k", "deploy")
        if answer.returncode == 0:
            break
    assert answer.returncode == 0, answer.stderr
    crds = [f"crd/{plural}.lessor.dev" for plural in ("instanceleases", "leaserenewals", "leases", "leasepolicies")]
    waited = kubectl("wait", "--for=condition=Established", *crds, "--timeout=30s")
    assert waited.returncode == 0, waited.stderr


@pytest.fixture
def lessor(_crds: None, namespace: str, tmp_path: Path) -> Iterator[Lessor]:
    """Give an operator for the test's own namespace; not started yet."""
    operator = Lessor(ADMIN, tmp_path / "lessor.log", "--namespace", namespace)
    yield operator
    operator.kill()


@pytest.fixture
def leases(kubectl: Kubectl, api: Api, namespace: str) -> Leases:
    """Give the objects of the test's own namespace."""
    return Leases(kubectl, api, namespace)
