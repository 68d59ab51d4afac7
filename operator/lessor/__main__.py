"""`python -m lessor` and the `lessor` command."""

from lessor import cli


def main() -> None:
    """Run the command line."""
    cli.app()


if __name__ == "__main__":
    main()
