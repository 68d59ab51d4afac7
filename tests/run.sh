#!/usr/bin/env bash
# The tests that need no cluster and no cloud, on every Python of 3.11 to 3.14 that starts here.
# The first one also measures the branch coverage of model and decide by their own tests, which never falls below
# tests/coverage-floor. The other tests run unmeasured: watching them would take as long as running them.
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

core=(tests/contract tests/decide tests/model tests/passes)
coverage=(--cov=lessor.model --cov=lessor.decide --cov-branch --cov-report=term:skip-covered "--cov-fail-under=$(cat tests/coverage-floor)")

tests() { # folder of the environment, name of the results, more for pytest
    "$1/bin/python" -m pytest -n 2 --dist loadgroup -q -p no:cacheprovider --junitxml="$results/unit-$2.xml" "${@:3}"
}

first=1
while read -r python; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$first" = 1 ]; then
        first=0
        echo "== tests on Python $version, with coverage"
        tests .venv "$version-core" "${coverage[@]}" "${core[@]}"
        tests .venv "$version" "${core[@]/#/--ignore=}"
    else
        echo "== tests on Python $version"
        environment "$python" ".venv-$version"
        tests ".venv-$version" "$version"
    fi
    tested="${tested:-}$version "
done < <(tests/pythons.sh)
echo "== tested on Python ${tested}"
