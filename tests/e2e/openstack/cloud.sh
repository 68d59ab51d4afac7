#!/usr/bin/env bash
# A real OpenStack for the end-to-end tests, on 127.0.0.1: Keystone, Placement, Glance, Neutron, Nova with its fake
# virtualisation driver, and Blazar; from wheels, on MariaDB, RabbitMQ and memcached.
#
#   cloud.sh up               install what is missing, start what does not run, wait until all answers
#   cloud.sh down             stop it; servers, leases and users are kept
#   cloud.sh wipe             stop it and forget all but the installed wheels
#   cloud.sh status           what runs, its pid and memory; exit code 1 if a part is down
#   cloud.sh check            boot, snapshot and delete a server, make and delete a lease
#   cloud.sh restart NAME     stop and start one process of those that status lists; wait until it answers
#   cloud.sh stop NAME, cloud.sh start NAME   the halves of a restart, for an outage between them
#
# State: ${LESSOR_E2E_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/lessor}/openstack. README.md describes the environment.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CLOUD_STATE=${LESSOR_E2E_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/lessor}/openstack

# The wheels in constraints.txt are proven on 3.11. A version manager's shim may be there and not start, so each is run.
find_python() {
    local python
    for python in ${CLOUD_PYTHON:-python3.11 /usr/bin/python3.11 python3 /usr/bin/python3}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$python" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "openstack: no Python of 3.11 or later starts here: install one, or set CLOUD_PYTHON to its path" >&2
    return 1
}

case ${1:-} in
up)
    python=$(find_python)
    "$python" -B "$HERE/install.py"
    ;;
down | wipe | status | check | restart | stop | start)
    [ -x "$CLOUD_STATE/venv/bin/python" ] || {
        echo "openstack: nothing is installed in $CLOUD_STATE"
        [ "$1" = down ] || [ "$1" = wipe ] || exit 1
        exit 0
    }
    ;;
*)
    echo "usage: cloud.sh up | down | wipe | status | check | restart NAME | stop NAME | start NAME" >&2
    exit 1
    ;;
esac
exec "$CLOUD_STATE/venv/bin/python" -B "$HERE/cloud.py" "$@"
