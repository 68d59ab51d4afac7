#!/usr/bin/env bash
# The tests that need no cluster and no cloud, on every Python of 3.11 to 3.14 that starts here.
# The first one also measures the branch coverage of model and decide, which never falls below tests/coverage-floor.
set -euo pipefail
cd "$(dirname "$0")/.."
results=${LESSOR_RESULTS:-$(mktemp -d)}
mkdir -p "$results"

environment() { # interpreter, folder
    [ -e "$2/.ready" ] && [ "$2/.ready" -nt requirements.lock ] && return
    .venv/bin/uv venv --quiet --clear --python "$1" "$2"
    .venv/bin/uv pip sync --quiet --python "$2/bin/python" requirements.lock
    touch "$2/.ready"
}

first=1
while read -r python; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$first" = 1 ]; then
        first=0
        echo "== tests on Python $version, with coverage"
        .venv/bin/python -m pytest -n 2 -q --junitxml="$results/unit-$version.xml" \
            --cov=lessor.model --cov=lessor.decide --cov-branch --cov-report=term:skip-covered --cov-fail-under="$(cat tests/coverage-floor)"
    else
        echo "== tests on Python $version"
        environment "$python" ".venv-$version"
        ".venv-$version/bin/python" -m pytest -n 2 -q -p no:cacheprovider --junitxml="$results/unit-$version.xml"
    fi
    tested="${tested:-}$version "
done < <(tests/pythons.sh)
echo "== tested on Python ${tested}"
