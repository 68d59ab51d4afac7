"""The examples beside the CRDs: which ones the API server must accept, and in what words it must refuse the others."""

from pathlib import Path

from tests.contract import schemas

EXAMPLES = schemas.CRDS / "examples"
REFUSED = "# refused: "


def cases() -> list[tuple[Path, str | None]]:
    """Give each example with the words of its refusal, None when it must be accepted.

    Raises:
        ValueError: an invalid example does not promise its refusal in its first line.
    """
    accepted = [(path, None) for path in sorted((EXAMPLES / "valid").glob("*.yaml"))]
    return [*accepted, *((path, _refusal(path)) for path in sorted((EXAMPLES / "invalid").glob("*.yaml")))]


def name(case: Path | str | None) -> str:
    """Name a case for pytest: `valid/suspended`; the refusal is no part of the name."""
    return f"{case.parent.name}/{case.stem}" if isinstance(case, Path) else ""


def steps(path: Path) -> list[str]:
    """Give the manifests of an example in their order: the last is the one to judge, those before it lead there."""
    return path.read_text().split("\n---\n")


def kind(path: Path) -> str:
    """Give the kind of the object that an example is about."""
    (judged,) = schemas.documents(steps(path)[-1])
    return str(judged["kind"])


def _refusal(path: Path) -> str:
    first = path.read_text().split("\n", 1)[0]
    if not first.startswith(REFUSED):
        raise ValueError(f"{path}: the first line must be '{REFUSED}<what the API server says>'")
    return first.removeprefix(REFUSED)
