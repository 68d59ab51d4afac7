"""`python -m lessor` and the `lessor` command."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from lessor import cli  # noqa: PLC0415 (Ctrl-C may come while it is imported)

        cli.app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
