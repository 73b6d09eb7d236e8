"""Checks the files of proofs, away from the hub and without its database. Pure."""

import json
from typing import Any

from carebag_server.audit_verifier.note import BadNote, Checkpoint, KnownKey, number, open_checkpoint, unbase64
from carebag_server.audit_verifier.tree import BadProof, check_consistency, check_inclusion, hash_leaf

_INCLUSION = "c2sp.org/tlog-proof@v1"
_MOST = 63
"""Hashes of a proof: of a tree with 2^63 leaves."""


def check_event(proof: str, key: KnownKey) -> tuple[dict[str, Any], Checkpoint]:
    """An event of which it is proved that it is in the log, and the checkpoint of which.

    Args:
        proof: as `carebag audit prove` writes it, https://c2sp.org/tlog-proof.

    Raises:
        BadNote: not such a file, or the checkpoint is not by the key.
        BadProof: the event is not in that log at that place.
    """
    head, gap, signed = proof.partition("\n\n")
    lines = head.split("\n")
    if not gap or len(lines) < 3 or lines[0] != _INCLUSION:
        raise BadNote("not a proof of an event")
    entry, index = unbase64(_after("extra ", lines[1])), number(_after("index ", lines[2]))
    checkpoint = open_checkpoint(signed, key)
    check_inclusion(index, checkpoint.size, hash_leaf(entry), _hashes(lines[3:]), checkpoint.root)
    try:
        event: dict[str, Any] = json.loads(entry)
    except ValueError:
        raise BadNote("the log is not Carebag's: its entry is no event") from None
    return event, checkpoint


def check_growth(request: str, key: KnownKey, known: Checkpoint | None) -> Checkpoint:
    """A newer checkpoint of which it is proved that its log begins with what was known.

    Args:
        request: as `carebag audit checkpoint --since` writes it, https://c2sp.org/tlog-witness `add-checkpoint`; or a
            checkpoint alone, where nothing or that very one is known.
        known: the last one; None: the first.

    Raises:
        BadNote: not such a file, the checkpoint is not by the key, or the proof begins elsewhere than at what is known.
        BadProof: the log does not begin with what was known.
    """
    old, proof, signed = known.size if known else 0, [], request
    if request.startswith("old "):
        head, _, signed = request.partition("\n\n")
        lines = head.split("\n")
        given, proof = number(_after("old ", lines[0])), _hashes(lines[1:])
        if given != old:
            raise BadNote(f"the proof begins at {given} events; {old} are known here")
    checkpoint = open_checkpoint(signed, key)
    if known is None or known.size == 0:
        if proof:
            raise BadProof
    else:
        check_consistency(known.size, checkpoint.size, known.root, checkpoint.root, proof)
    return checkpoint


def _after(word: str, line: str) -> str:
    if not line.startswith(word):
        raise BadNote("not a proof")
    return line.removeprefix(word)


def _hashes(lines: list[str]) -> list[bytes]:
    if len(lines) > _MOST:
        raise BadNote("not a proof")
    return [unbase64(line) for line in lines]
