#!/usr/bin/env bash
# A real Kubernetes control plane for the end-to-end tests: etcd, kube-apiserver, kube-controller-manager and kubectl,
# built from the Go modules that go.mod pins.
#
#   kube.sh up                    build what is not built, start what does not run, wait until all is ready
#   kube.sh down                  stop it; etcd keeps its data
#   kube.sh wipe                  stop it and forget all but the built programs
#   kube.sh status                what runs, its pid, memory and port; exit code 1 if a part is down
#   kube.sh restart NAME [kill]   stop and start etcd, apiserver or controller-manager; wait until it is ready
#   kube.sh stop NAME [kill]      the first half of a restart, for an outage; "kill" means SIGKILL
#   kube.sh start NAME            the second half
#
# State: ${LESSOR_E2E_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/lessor}/kube. The environment is described in README.md.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=${LESSOR_E2E_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/lessor}/kube
BIN=$STATE/bin PKI=$STATE/pki LOG=$STATE/log RUN=$STATE/run
PARTS=(etcd apiserver controller-manager)
STEP='' STEP_LOG='' STEP_BEGAN=0

say() { echo "kube: $*"; }
die() { say "$*" >&2; STEP=''; exit 1; }

# A step says its name when it begins and its seconds when it ends; report says which one failed, and why.
begin() { STEP=$1 STEP_LOG=$2 STEP_BEGAN=$SECONDS; say "$STEP ..."; }
finish() { say "$STEP: $((SECONDS - STEP_BEGAN)) s"; STEP=''; }
report() {
    local code=$?
    if [ "$code" != 0 ] && [ -n "$STEP" ]; then
        say "FAILED in the step \"$STEP\" after $((SECONDS - STEP_BEGAN)) s; the end of $STEP_LOG:" >&2
        tail -n 30 "$STEP_LOG" >&2 || true
    fi
    exit "$code"
}
trap report EXIT

# ---- ports: chosen at the first start and kept, because the data and the kubeconfigs name them
settle_ports() {
    local kept_api='' kept_etcd=''
    if [ -f "$STATE/ports" ]; then read -r kept_api kept_etcd <"$STATE/ports"; fi
    API_PORT=${KUBE_PORT:-${kept_api:-16443}} ETCD_PORT=${KUBE_ETCD_PORT:-${kept_etcd:-12379}}
    [ -z "$kept_api" ] || [ "$kept_api $kept_etcd" = "$API_PORT $ETCD_PORT" ] ||
        die "$STATE was made with KUBE_PORT=$kept_api KUBE_ETCD_PORT=$kept_etcd: leave both unset, or run wipe first"
}

need_free() { # PORT VARIABLE
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null ||
        die "port $1 is taken by a process that is not of this set-up: set $2 to another port"
}

need_free_ports() {
    alive etcd || { need_free "$ETCD_PORT" KUBE_ETCD_PORT; need_free "$((ETCD_PORT + 1))" KUBE_ETCD_PORT; }
    alive apiserver || need_free "$API_PORT" KUBE_PORT
    alive controller-manager || need_free "$((API_PORT + 1))" KUBE_PORT
}

# ---- processes: a record holds the pid and the start time, so that a pid given to another process is never signalled
born() { # PID; fails if there is no such process, or only its remains
    local stat fields threads
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra fields <<<"${stat##*) }"
    threads=("/proc/$1/task"/*)
    # A killed process is a zombie at once, but its other threads may hold the port for a moment longer.
    if [ "${fields[0]}" = Z ] && [ "${#threads[@]}" -le 1 ]; then return 1; fi
    echo "${fields[19]}"
}

alive() { # NAME; leaves the pid in PID
    local since
    PID=''
    [ -f "$RUN/$1.pid" ] || return 1
    read -r PID since <"$RUN/$1.pid"
    [ "$(born "$PID")" = "$since" ]
}

launch() { # NAME COMMAND...
    local name=$1
    shift
    STEP_LOG=$LOG/$name.log
    alive "$name" && return
    setsid "$@" </dev/null >>"$STEP_LOG" 2>&1 &
    echo "$! $(born $!)" >"$RUN/$name.pid"
}

halt() { # NAME SIGNAL; SIGKILL follows after 60 s
    local _
    if alive "$1"; then
        kill "-$2" "$PID"
        for _ in $(seq 600); do
            alive "$1" || break
            sleep 0.1
        done
        if alive "$1"; then kill -KILL "$PID"; fi
    fi
    rm -f "$RUN/$1.pid"
}

wait_for() { # NAME COMMAND...: until COMMAND succeeds, while NAME lives, for 120 s
    local name=$1 _
    shift
    STEP_LOG=$LOG/$name.log
    for _ in $(seq 600); do
        if "$@" >/dev/null 2>&1; then return; fi
        alive "$name" || { say "$name has ended" >&2; return 1; }
        sleep 0.2
    done
    say "$name is not ready after 120 s" >&2
    return 1
}

# ---- the parts
kubernetes_version() { awk '$1 == "k8s.io/kubernetes" { print $2; exit }' "$HERE/go.mod"; }

build() {
    local version major minor stamp flags
    version=$(kubernetes_version)
    IFS=. read -r major minor _ <<<"${version#v}"
    # Without these the server calls itself v0.0.0 and clients take it for an ancient one.
    flags="-s -w"
    flags+=" -X k8s.io/component-base/version.gitVersion=$version"
    flags+=" -X k8s.io/component-base/version.gitMajor=$major -X k8s.io/component-base/version.gitMinor=$minor"
    stamp=$(cat "$HERE/go.mod" "$HERE/go.sum" - <<<"$flags" | sha256sum)
    if [ "$(cat "$BIN/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
    command -v go >/dev/null || die "go is not on the PATH: install the version that $HERE/go.mod asks for, or a later one"
    begin "build Kubernetes $version and etcd (4 to 5 minutes the first time)" "$LOG/build.log"
    mkdir -p "$BIN"
    rm -f "$BIN/.stamp"
    (cd "$HERE" && GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$flags" \
        -o "$BIN/" k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager \
        k8s.io/kubernetes/cmd/kubectl go.etcd.io/etcd/server/v3) </dev/null >"$STEP_LOG" 2>&1
    mv "$BIN/server" "$BIN/etcd"
    echo "$stamp" >"$BIN/.stamp"
    finish
}

credentials() {
    if [ -f "$PKI/tokens.csv" ]; then return; fi
    begin "keys and users" "$LOG/credentials.log"
    openssl genrsa -out "$PKI/sa.key" 2048 >"$STEP_LOG" 2>&1
    openssl rsa -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub" >>"$STEP_LOG" 2>&1
    printf '%s\n' admin-token,admin,admin,system:masters alice-token,alice,alice,team-a bob-token,bob,bob,team-b \
        >"$PKI/tokens.csv"
    finish
}

start_etcd() {
    local client=http://127.0.0.1:$ETCD_PORT peer=http://127.0.0.1:$((ETCD_PORT + 1))
    launch etcd "$BIN/etcd" --data-dir "$STATE/etcd" --unsafe-no-fsync --quota-backend-bytes 8589934592 \
        --listen-client-urls "$client" --advertise-client-urls "$client" \
        --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
    wait_for etcd port_open "$ETCD_PORT"
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

# Where KUBE_API_FLAGS is not set the flags of the last start count. Without the grace period a stop waits 60 s for
# those who watch.
start_apiserver() {
    local wanted flags user
    wanted=${KUBE_API_FLAGS-$(cat "$STATE/api-flags" 2>/dev/null || true)}
    echo "$wanted" >"$STATE/api-flags"
    read -ra flags <<<"$wanted"
    launch apiserver "$BIN/kube-apiserver" --etcd-servers "http://127.0.0.1:$ETCD_PORT" \
        --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$API_PORT" --cert-dir "$PKI" \
        --token-auth-file "$PKI/tokens.csv" --authorization-mode RBAC \
        --service-account-issuer https://kubernetes.default.svc --service-account-signing-key-file "$PKI/sa.key" \
        --service-account-key-file "$PKI/sa.pub" --service-cluster-ip-range 10.0.0.0/24 \
        --endpoint-reconciler-type none --shutdown-watch-termination-grace-period 2s "${flags[@]}"
    wait_for apiserver test -s "$PKI/apiserver.crt"
    for user in admin alice bob; do write_kubeconfig "$user"; done
    wait_for apiserver "$BIN/kubectl" --kubeconfig "$STATE/admin.kubeconfig" --request-timeout 5s get --raw /readyz
}

write_kubeconfig() { # USER
    (umask 077 && cat >"$STATE/$1.kubeconfig.new") <<YAML
apiVersion: v1
kind: Config
current-context: lessor-e2e
contexts: [{name: lessor-e2e, context: {cluster: lessor-e2e, user: $1}}]
users: [{name: $1, user: {token: $1-token}}]
clusters:
- name: lessor-e2e
  cluster:
    server: https://127.0.0.1:$API_PORT
    certificate-authority-data: $(base64 -w0 "$PKI/apiserver.crt")
YAML
    mv "$STATE/$1.kubeconfig.new" "$STATE/$1.kubeconfig"
}

start_controller_manager() {
    launch controller-manager "$BIN/kube-controller-manager" --kubeconfig "$STATE/admin.kubeconfig" --leader-elect=false \
        --bind-address 127.0.0.1 --secure-port "$((API_PORT + 1))" --cert-dir "$PKI/controller-manager" \
        --service-account-private-key-file "$PKI/sa.key" --use-service-account-credentials=false \
        --controllers garbagecollector,namespace,serviceaccount,serviceaccount-token,clusterrole-aggregation,resourcequota
    wait_for controller-manager \
        "$BIN/kubectl" --kubeconfig "$STATE/admin.kubeconfig" --request-timeout 5s get serviceaccount default
}

start_part() { # NAME
    if alive "$1"; then return; fi
    begin "start $1" "$LOG/$1.log"
    "start_${1//-/_}"
    finish
}

stop_part() { # NAME SIGNAL
    if ! alive "$1"; then return; fi
    begin "stop $1" "$LOG/$1.log"
    halt "$1" "$2"
    finish
}

# ---- the commands
up() {
    mkdir -p "$PKI" "$LOG" "$RUN"
    settle_ports
    need_free_ports
    build
    echo "$API_PORT $ETCD_PORT" >"$STATE/ports"
    # Only start and restart take over the flags of the last time.
    export KUBE_API_FLAGS=${KUBE_API_FLAGS:-}
    credentials
    local name
    for name in "${PARTS[@]}"; do start_part "$name"; done
    say "ready: KUBECONFIG=$STATE/admin.kubeconfig (or alice, bob), kubectl is $BIN/kubectl"
}

down() {
    local name
    for name in controller-manager apiserver etcd; do stop_part "$name" TERM; done
    rm -f "$RUN"/*.pid
}

wipe() {
    down
    if [ -d "$STATE" ]; then find "$STATE" -mindepth 1 -maxdepth 1 ! -name bin -exec rm -rf {} +; fi
}

status() {
    local name code=0 memory
    for name in "${PARTS[@]}"; do
        if alive "$name"; then
            memory=$(awk '/^Pss:/ { print int($2 / 1024) }' "/proc/$PID/smaps_rollup")
            say "$name: pid $PID, $memory MiB"
        else
            say "$name: down"
            code=1
        fi
    done
    [ ! -f "$STATE/ports" ] || say "ports (API server, etcd): $(cat "$STATE/ports")"
    return "$code"
}

one() { # start|stop|restart NAME [kill]
    local signal=TERM
    [[ " ${PARTS[*]} " == *" ${2:-} "* ]] || die "$1 needs a name: ${PARTS[*]}"
    [ -f "$STATE/ports" ] || die "nothing to $1: run up first"
    if [ "${3:-}" = kill ]; then signal=KILL; fi
    settle_ports
    if [ "$1" != start ]; then stop_part "$2" "$signal"; fi
    if [ "$1" != stop ]; then
        need_free_ports
        start_part "$2"
    fi
}

case ${1:-} in
up | down | wipe | status) "$1" ;;
start | stop | restart) one "$@" ;;
*) die "usage: kube.sh up | down | wipe | status | restart NAME [kill] | stop NAME [kill] | start NAME" ;;
esac
