"""What retention's acts are called in the access log. They hold no patient data, and are never removed from it."""

import re

from carebag_server.not_possible import NotPossible

KEPT_FOR_EVER = (
    *("log_pruned", "records_removed", "removal_proposed", "removal_approved"),
    *("retention_set", "hold_placed", "hold_lifted"),
)
"""They say why something is not there, and `log_pruned` carries the proof."""
_DECISION = re.compile(r"[A-Za-zÅÄÖåäöÉéÑñ0-9][A-Za-zÅÄÖåäöÉéÑñ0-9 ./:_-]{0,59}")


def decision_of(text: str) -> str:
    """Reference of the decision by which something is removed, such as a register number.

    Raises:
        NotPossible: empty, too long, or with signs that such a reference does not need.
    """
    text = text.strip()
    if not _DECISION.fullmatch(text):
        raise NotPossible("--decision is the reference of the disposal decision, such as 'RS 2026/118': no sentence")
    return text
