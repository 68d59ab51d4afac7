#!/usr/bin/env bash
# The end-to-end tests on the real parts, which are built and started first, from bare if need be.
# Arguments go to pytest. KEEP=1 leaves the parts running afterwards.
set -euo pipefail
cd "$(dirname "$0")/../.."
results=${LESSOR_RESULTS:-$(mktemp -d)}
mkdir -p "$results"
export LESSOR_E2E_HOME=${LESSOR_E2E_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/lessor}
export UV=$PWD/.venv/bin/uv

finish() {
    [ -n "${KEEP:-}" ] && return
    tests/e2e/openstack/cloud.sh down || true
    tests/e2e/kube/kube.sh down || true
}
trap finish EXIT

# A control plane that does not run begins empty: what an interrupted run left in it would slow down all that follows.
tests/e2e/kube/kube.sh status >/dev/null 2>&1 || tests/e2e/kube/kube.sh wipe >"$results/kube-wipe.log" 2>&1 || true

# Side by side: one mostly compiles, the other mostly waits for packages and databases.
tests/e2e/kube/kube.sh up >"$results/kube-up.log" 2>&1 &
kube=$!
tests/e2e/openstack/cloud.sh up || { wait "$kube" || true; exit 1; }
wait "$kube" || { tail -n 40 "$results/kube-up.log"; exit 1; }
tail -n 5 "$results/kube-up.log"

export LESSOR_E2E_KUBE_HOME=$LESSOR_E2E_HOME/kube LESSOR_E2E_CLOUD_HOME=$LESSOR_E2E_HOME/openstack
export LESSOR_E2E_KUBECTL=$LESSOR_E2E_KUBE_HOME/bin/kubectl LESSOR_E2E_KUBECONFIG=$LESSOR_E2E_KUBE_HOME/admin.kubeconfig
pytest=(.venv/bin/python -m pytest -o "addopts=--import-mode=importlib --strict-markers -ra" --durations=15)
[ $# = 0 ] || { "${pytest[@]}" --junitxml="$results/e2e.xml" "$@"; exit; }

# Both run, whatever the first one finds; the cases that also run on the simulated parts end with their table.
code=0
"${pytest[@]}" --junitxml="$results/e2e.xml" tests/e2e || code=$?
LESSOR_CONFORMANCE=real "${pytest[@]}" --junitxml="$results/conformance.xml" tests/conformance || code=$?
exit "$code"
