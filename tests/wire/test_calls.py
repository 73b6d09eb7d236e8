"""Fingerprints, what is signed, and the six digits: the same values in the page (`fingerprint.test.ts`)."""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from carebag_wire.calls import MAX_SDP, fingerprints, proof_text, six_digits

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden_call_proof.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("known", GOLDEN["descriptions"], ids=lambda known: known["name"])
def test_fingerprints_of_a_description(known: dict[str, str]) -> None:
    assert fingerprints(known["sdp"]) == known["prints"]


@pytest.mark.parametrize("known", GOLDEN["calls"], ids=lambda known: known["sender"])
def test_what_is_signed(known: dict[str, Any]) -> None:
    text = proof_text(UUID(known["visit_id"]), known["sender"], known["to"], known["epoch"], known["prints"])
    assert text.decode() == known["text"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(GOLDEN["public_key"]))
    key.verify(base64.b64decode(known["proof"]), text)


@pytest.mark.parametrize("known", GOLDEN["codes"], ids=lambda known: known["digits"])
def test_six_digits(known: dict[str, Any]) -> None:
    made_of = (known["kit"], known["viewer"], known["epoch"], known["kit_prints"], known["page_prints"])
    assert six_digits(UUID(known["visit_id"]), *made_of) == known["digits"]


@given(st.text(max_size=300))
def test_any_text_has_fingerprints_or_none(text: str) -> None:
    found = fingerprints(text)
    assert fingerprints(text + "\r\n" + text) == found
    assert found == "" or all(" " in one for one in found.split(","))


def test_a_flood_is_cut_off() -> None:
    assert fingerprints("x" * MAX_SDP + "\na=fingerprint:sha-256 AA\n") == ""
