#!/usr/bin/env python3
"""Add up the JUnit files of a run: prints `N passed, N failed`, and fails when one failed or none ran."""

import pathlib
import sys
import xml.etree.ElementTree as ET


def main(folder: str) -> int:
    """Count, print, and give the exit code."""
    passed = failed = 0
    for path in sorted(pathlib.Path(folder).glob("*.xml")):
        for suite in ET.parse(path).getroot().iter("testsuite"):  # noqa: S314 (our own files)
            bad = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
            failed += bad
            passed += int(suite.get("tests", "0")) - bad - int(suite.get("skipped", "0"))
    sys.stdout.write(f"{passed} passed, {failed} failed\n")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
