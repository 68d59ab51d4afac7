#!/usr/bin/env bash
# Speed and memory of the operator against their targets: one table, exit code 1 on a miss.
#
#   run.sh                        all rows: lives list life start idle stages line herd failover
#                                 lease-crowd lease-idle
#   run.sh idle start             some rows
#   run.sh lives list             the rows that need no control plane
#   run.sh --record               all rows, and the table into docs/benchmarks.md
#
# BENCH_N=1000 makes small fleets, BENCH_IDLE=60 a short look at the idling: for work on the bench, not for figures.
# The control plane is one of its own, on ports of its own; it is built like that of the end-to-end tests, once for both.
# State: ${LESSOR_BENCH_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/lessor-bench}.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}
programs=${LESSOR_E2E_HOME:-$cache/lessor}/kube/bin
export LESSOR_E2E_HOME=${LESSOR_BENCH_HOME:-$cache/lessor-bench}
export KUBE_PORT=${KUBE_PORT:-26443} KUBE_ETCD_PORT=${KUBE_ETCD_PORT:-22379}
export BENCH_KUBE=$LESSOR_E2E_HOME/kube BENCH_LOGS=$LESSOR_E2E_HOME/logs
export KUBECONFIG=$BENCH_KUBE/admin.kubeconfig
BENCH_KUBERNETES=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' tests/e2e/kube/go.mod)
export BENCH_KUBERNETES

mkdir -p "$programs" "$BENCH_KUBE" "$BENCH_LOGS"
exec 9>"$LESSOR_E2E_HOME/lock"
flock --nonblock 9 || { echo "bench: another bench runs in $LESSOR_E2E_HOME" >&2; exit 2; }

rows=$*
kube=''
for row in ${rows:-all}; do
    case $row in lives | list) ;; *) kube=yes ;; esac
done
bench=''
finish() {
    local code=$?
    trap - EXIT INT TERM
    if [ -n "$bench" ]; then
        kill -TERM "$bench" 2>/dev/null || true
        wait "$bench" || true
    fi
    [ -z "$kube" ] || tests/e2e/kube/kube.sh down >&2 9>&- || true
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ -e "$BENCH_KUBE/bin" ] || ln -s "$programs" "$BENCH_KUBE/bin"
# Each run begins with an empty etcd.
if [ -n "$kube" ]; then
    tests/e2e/kube/kube.sh wipe >&2 9>&-
    tests/e2e/kube/kube.sh up >&2 9>&-
fi

.venv/bin/python -m tests.bench.main "$@" 9>&- &
bench=$!
code=0
wait "$bench" || code=$?
bench=''
exit "$code"
