#!/usr/bin/env bash
# The Pythons of 3.11 to 3.14 that start on this machine, one path a line. `first` prints only the oldest of them.
set -euo pipefail

starts() { "$1" -c 'import ssl, sqlite3, venv, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }

# A version manager's shims only start the version that is set; its real interpreters lie beside the shims.
beside_shims() {
    local shim
    shim=$(command -v python3 || true)
    [ -n "$shim" ] && ls -d "$(dirname "$shim")"/../versions/"$1".*/bin/python"$1" 2>/dev/null || true
}

found=0
for version in 3.11 3.12 3.13 3.14; do
    for python in "$(command -v "python$version" || true)" $(beside_shims "$version"); do
        if [ -n "$python" ] && starts "$python"; then
            "$python" -c 'import sys; print(sys.executable)'
            found=1
            [ "${1:-}" = first ] && exit 0
            break
        fi
    done
done
[ $found = 1 ] || { echo "no Python of 3.11 to 3.14 starts here; install one, or set PYTHON=/path/to/python" >&2; exit 1; }
