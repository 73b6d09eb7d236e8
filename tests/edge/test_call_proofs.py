"""The kit signs what leaves it, and makes the digits of both ends' fingerprints, once for each offer."""

import base64
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from carebag_edge.call_proofs import CallProofs
from carebag_edge.keys import KitKey
from carebag_wire.calls import proof_text, six_digits
from carebag_wire.messages import Signal

KIT = UUID(int=5)
VISIT = UUID(int=7)
KEY = KitKey(KIT, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
ME = f"kit:{KIT}"
DOCTOR = "doctor:1:1"


def said(sender: str, to: str, kind: str, prints: str, epoch: int = 3) -> Signal:
    sdp = f"v=0\r\na=fingerprint:{prints}\r\n"
    return Signal(visit_id=VISIT, sender=sender, to=to, epoch=epoch, description={"type": kind, "sdp": sdp})


def verify(signal: Signal, text: bytes) -> None:
    KEY.private.public_key().verify(base64.b64decode(signal.proof), text)


def test_what_leaves_is_signed_for_one_viewer_visit_and_attempt() -> None:
    signal = CallProofs(KEY).of_kit(said("", DOCTOR, "offer", "sha-256 ab:cd"))
    assert signal.sender == ME
    verify(signal, proof_text(VISIT, ME, DOCTOR, 3, "sha-256 AB:CD"))
    for other in (
        proof_text(UUID(int=8), ME, DOCTOR, 3, "sha-256 AB:CD"),
        proof_text(VISIT, ME, "doctor:1:2", 3, "sha-256 AB:CD"),
        proof_text(VISIT, ME, DOCTOR, 4, "sha-256 AB:CD"),
        proof_text(VISIT, f"nurse:{KIT}", DOCTOR, 3, "sha-256 AB:CD"),
        proof_text(VISIT, ME, DOCTOR, 3, "sha-256 AB:CE"),
    ):
        with pytest.raises(InvalidSignature):
            verify(signal, other)


def test_the_nurses_page_is_vouched_for_under_its_own_name() -> None:
    nurse = f"nurse:{KIT}"
    signal = CallProofs(KEY).signed(said(nurse, DOCTOR, "answer", "sha-256 01"))
    verify(signal, proof_text(VISIT, nurse, DOCTOR, 3, "sha-256 01"))


@pytest.mark.parametrize("description", [None, {}, {"sdp": 5}, {"sdp": "v=0"}])
def test_what_has_no_fingerprint_has_no_proof(description: dict[str, object] | None) -> None:
    signal = Signal(visit_id=VISIT, to=DOCTOR, epoch=1, description=description)
    assert CallProofs(KEY).of_kit(signal).proof == ""


async def test_the_digits_are_made_of_both_ends() -> None:
    told: list[int] = []
    proofs = CallProofs(KEY, lambda: told.append(1))
    proofs.of_kit(said("", DOCTOR, "offer", "sha-256 AA"))
    await proofs.heard(said(DOCTOR, ME, "answer", "sha-256 BB"))
    (code,) = proofs.codes
    assert (code.viewer, code.digits) == (DOCTOR, six_digits(VISIT, ME, DOCTOR, 3, "sha-256 AA", "sha-256 BB"))
    # a later answer changes neither call nor digits; the same offer sent again neither
    await proofs.heard(said(DOCTOR, ME, "answer", "sha-256 CC"))
    assert proofs.codes == [code]
    assert told == [1]
    proofs.of_kit(said("", DOCTOR, "offer", "sha-256 AA", epoch=4))
    assert proofs.codes == []
    assert told == [1, 1]


async def test_an_answer_to_nothing_makes_no_digits() -> None:
    proofs = CallProofs(KEY)
    proofs.of_kit(said("", DOCTOR, "offer", "sha-256 AA"))
    await proofs.heard(said(DOCTOR, ME, "answer", "sha-256 BB", epoch=2))
    await proofs.heard(said("doctor:2:1", ME, "answer", "sha-256 BB"))
    assert proofs.codes == []


async def test_who_left_is_forgotten() -> None:
    proofs = CallProofs(KEY)
    proofs.of_kit(said("", DOCTOR, "offer", "sha-256 AA"))
    await proofs.heard(said(DOCTOR, ME, "answer", "sha-256 BB"))
    proofs.present([DOCTOR])
    assert len(proofs.codes) == 1
    proofs.present([])
    assert proofs.codes == []
