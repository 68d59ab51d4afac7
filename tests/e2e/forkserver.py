"""Starts many operators quickly: imports once, then forks one `lessor` process for each line on standard input.

A line is JSON: {"args": [...], "env": {...}, "log": path}; the answer is the pid. Each child is a process of its own,
to be killed like any other; this one reaps it.
"""

import json
import os
import signal
import sys

from lessor import __main__, service


def main() -> None:
    """Serve until standard input ends."""
    assert service is not None, "imported so that the children need not"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(request: dict[str, object]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(str(request["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(request["env"])  # type: ignore[arg-type]  # a dict of strings
    sys.argv = ["lessor", *request["args"]]  # type: ignore[misc]  # a list of strings
    code = 0
    try:
        __main__.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
