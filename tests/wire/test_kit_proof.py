"""The kit's proof: the same bytes on both sides, and any header is read or refused."""

import base64
import uuid

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from carebag_wire.kit_proof import EMPTY_SHA256, BadProof, KitProof, proof_text, read_proof, write_proof

KIT = uuid.UUID("018f3c5e-7b1a-7cc3-9d2e-0123456789ab")
SIGNATURE = base64.b64encode(bytes(64)).decode()
HEADER = f"Carebag-Kit kit={KIT},ts=1700000000000,nonce=abcdefghijklmnop,sig={SIGNATURE}"

proofs = st.builds(
    KitProof,
    st.uuids(),
    st.integers(0, 10**15 - 1),
    st.text("abcXYZ019_-", min_size=16, max_size=64),
    st.binary(min_size=64, max_size=64).map(lambda raw: base64.b64encode(raw).decode()),
)


def test_golden_bytes() -> None:
    assert proof_text("GET", "/api/kit/visits?day=1", 1700000000000, "abcdefghijklmnop", EMPTY_SHA256) == (
        b"GET\n/api/kit/visits?day=1\n1700000000000\nabcdefghijklmnop\n"
        b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_golden_header() -> None:
    proof = KitProof(KIT, 1700000000000, "abcdefghijklmnop", SIGNATURE)
    assert write_proof(proof) == HEADER
    assert read_proof(HEADER) == proof


@given(proofs)
def test_round_trip(proof: KitProof) -> None:
    assert read_proof(write_proof(proof)) == proof


@given(st.one_of(st.none(), st.text(), st.text().map(lambda text: HEADER[:40] + text)))
def test_any_header_is_read_or_refused(header: str | None) -> None:
    try:
        proof = read_proof(header)
    except BadProof:
        return
    assert write_proof(proof) == header


@pytest.mark.parametrize(
    "damage",
    [
        HEADER + "\n",
        HEADER + ",kit=1",
        " " + HEADER,
        HEADER.replace("Carebag-Kit", "Bearer"),
        HEADER.replace("nonce=abcdefghijklmnop", "nonce=short"),
        HEADER.replace("ts=1700000000000", "ts=-1"),
        HEADER.replace("ts=1700000000000", "ts=١٢٣"),
        HEADER.replace("==", ""),
    ],
)
def test_damaged_headers_are_refused(damage: str) -> None:
    with pytest.raises(BadProof):
        read_proof(damage)


@given(st.sampled_from(range(5)), st.data())
def test_every_part_is_covered_by_the_signature(part: int, data: st.DataObject) -> None:
    key = Ed25519PrivateKey.generate()
    parts = ["POST", "/api/kit/records", 1700000000000, "abcdefghijklmnop", "a" * 64]
    signature = key.sign(proof_text(*parts))  # type: ignore[arg-type]
    parts[part] = {2: 1700000000001}.get(part, str(parts[part]) + data.draw(st.sampled_from("xyz0")))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, proof_text(*parts))  # type: ignore[arg-type]
