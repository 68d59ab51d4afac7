"""From a refusal of Blazar's to the error of the port: by the table that the adapter over HTTP looks up as well."""

from lessor.ports import blazar_answers, cloud
from lessor.ports.blazar_answers import Whose
from lessor.simulated.cloud import classified
from lessor.simulated.cloud.refusals import Refused


def error(method: str, refused: Refused) -> cloud.CloudError:
    """Give the error for a refusal of a request of this method, which Blazar itself always words."""
    words = " ".join(refused.words.split())
    row = blazar_answers.row(method, refused.code, Whose.BLAZAR, words)
    return blazar_answers.error(row, classified.sentence(refused), words, classified.retry_after(refused))
