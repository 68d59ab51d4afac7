"""What an answer of Blazar's means: its body read, and looked up in the table of `ports/blazar_answers.py`."""

from collections.abc import Mapping

import msgspec

from lessor.live import classify
from lessor.live.services import BLAZAR
from lessor.ports import blazar_answers, cloud
from lessor.ports.blazar_answers import Row, Whose


class _Body(msgspec.Struct):
    """A body of Blazar's own. Source: blazar:blazar/api/v1/utils.py:render_error_message."""

    error_code: int
    error_message: str


def row(method: str, code: int, body: bytes) -> Row:
    """Give the first row that fits an answer other than 2xx."""
    return blazar_answers.row(method, code, *_read(body))


def error(method: str, code: int, headers: Mapping[str, str], body: bytes) -> cloud.CloudError:
    """Give the error that an answer other than 2xx stands for, in Blazar's words."""
    words = _read(body)[1]
    shown = classify.printable(words)
    said = f"{BLAZAR.title} answered {code}: {shown}" if shown else f"{BLAZAR.title} answered {code}."
    return blazar_answers.error(row(method, code, body), said, words, classify.retry_after(headers))


def _read(body: bytes) -> tuple[Whose, str]:
    """Give who wrote a body, and its words."""
    try:
        own = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Whose.ANYBODY, classify.message(body)
    return Whose.BLAZAR, " ".join(own.error_message.split())
