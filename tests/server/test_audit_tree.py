"""The Merkle tree of the access log, its proofs, and the verifier's own way of checking them.

Golden: the roots of the eight entries that implementations of RFC 6962 test with. The official proofs of
transparency-dev/merkle are read where their folder is there: CAREBAG_RECORDINGS, or shared/data beside the project.
"""

import base64
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.audit_tree import (
    EMPTY_ROOT,
    BadFrontier,
    Frontier,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    node_hash,
)
from carebag_server.audit_verifier.tree import BadProof, Stack, check_consistency, check_inclusion, hash_leaf

ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(0, 70)
VECTORS = (
    Path(os.environ.get("CAREBAG_RECORDINGS") or Path(__file__).parents[3] / "shared" / "data") / "rfc6962-vectors"
)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def naive_root(hashes: list[bytes]) -> bytes:
    """MTH(D[n]) word for word, for few leaves."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = max(2**power for power in range(len(hashes)) if 2**power < len(hashes))
    return sha256(b"\1" + naive_root(hashes[:half]) + naive_root(hashes[half:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_roots_of_the_known_entries(size: int) -> None:
    entries = [bytes.fromhex(entry) for entry in ENTRIES[:size]]
    assert frontier_of(leaf_hash(entry) for entry in entries).root().hex() == ROOTS[size]
    stack = Stack()
    for entry in entries:
        stack.add(hash_leaf(entry))
    assert stack.root().hex() == ROOTS[size]


@given(SIZES)
def test_writer_verifier_and_definition_have_the_same_root(size: int) -> None:
    frontier, stack = Frontier(), Stack()
    for leaf in leaves(size):
        frontier = frontier.append(leaf)
        stack.add(leaf)
    assert frontier.root() == stack.root() == naive_root(leaves(size))
    assert bytes(frontier) == stack.subtrees()
    assert len(frontier.hashes) == size.bit_count()


@given(SIZES, st.integers(0, 20))
def test_a_kept_frontier_goes_on_as_if_it_had_never_been_put_away(size: int, more: int) -> None:
    kept = frontier_of(leaves(size))
    frontier = Frontier.read(size, bytes(kept))
    for leaf in leaves(size + more)[size:]:
        frontier = frontier.append(leaf)
    assert frontier == frontier_of(leaves(size + more))


@given(st.integers(-5, 2**40), st.binary(max_size=200))
def test_a_frontier_has_a_hash_for_each_perfect_subtree(size: int, stored: bytes) -> None:
    try:
        frontier = Frontier.read(size, stored)
    except BadFrontier:
        assert size < 0 or len(stored) != 32 * size.bit_count()
    else:
        assert (frontier.size, bytes(frontier)) == (size, stored)


@given(st.integers(1, 70), st.data())
def test_each_leaf_is_proved_at_its_place_and_nowhere_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    all_leaves, root = leaves(size), naive_root(leaves(size))
    proof = inclusion_proof(all_leaves, index)
    check_inclusion(index, size, all_leaves[index], proof, root)
    for other in range(-1, size + 2):
        if other != index:
            with pytest.raises(BadProof):
                check_inclusion(other, size, all_leaves[index], proof, root)


@given(SIZES, st.data())
def test_each_beginning_is_proved_and_nothing_else(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, size))
    proof = consistency_proof(leaves(size), first)
    root, first_root = naive_root(leaves(size)), naive_root(leaves(first))
    check_consistency(first, size, first_root, root, proof)
    other = data.draw(st.integers(0, size).filter(lambda one: one != first)) if size else -1
    with pytest.raises(BadProof):
        check_consistency(other, size, first_root, root, proof)


@given(st.integers(2, 70), st.data())
def test_any_changed_bit_is_refused(size: int, data: st.DataObject) -> None:
    all_leaves, root = leaves(size), naive_root(leaves(size))
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))

    included = [all_leaves[index], root, *inclusion_proof(all_leaves, index)]
    leaf, changed_root, *path = flipped(included, data)
    with pytest.raises(BadProof):
        check_inclusion(index, size, leaf, path, changed_root)

    grown = [naive_root(all_leaves[:first]), root, *consistency_proof(all_leaves, first)]
    old, new, *path = flipped(grown, data)
    with pytest.raises(BadProof):
        check_consistency(first, size, old, new, path)


def flipped(hashes: list[bytes], data: st.DataObject) -> list[bytes]:
    which, bit = data.draw(st.integers(0, len(hashes) - 1)), data.draw(st.integers(0, 255))
    changed = (int.from_bytes(hashes[which]) ^ 1 << bit).to_bytes(32)
    return [*hashes[:which], changed, *hashes[which + 1 :]]


@given(st.integers(2, 70), st.data())
def test_a_proof_with_a_hash_too_many_or_too_few_is_refused(size: int, data: st.DataObject) -> None:
    all_leaves, root = leaves(size), naive_root(leaves(size))
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    for proof in (inclusion_proof(all_leaves, index)[:-1], [*inclusion_proof(all_leaves, index), root]):
        with pytest.raises(BadProof):
            check_inclusion(index, size, all_leaves[index], proof, root)
    for proof in (consistency_proof(all_leaves, first)[:-1], [*consistency_proof(all_leaves, first), root]):
        with pytest.raises(BadProof):
            check_consistency(first, size, naive_root(all_leaves[:first]), root, proof)


def test_a_proof_that_climbs_above_the_root_is_refused() -> None:
    """All of its hashes fit, but into a larger tree than the one it is for."""
    other, (first, second, third, fourth) = leaf_hash(b"x"), leaves(4)
    with pytest.raises(BadProof):
        check_inclusion(0, 1, first, [other], node_hash(other, first))
    with pytest.raises(BadProof):
        check_inclusion(1, 2, second, [first, other], node_hash(other, node_hash(first, second)))
    old, new = (node_hash(other, naive_root(leaves(size))) for size in (3, 4))
    proof = consistency_proof(leaves(4), 3)
    assert proof == [third, fourth, node_hash(first, second)]
    with pytest.raises(BadProof):
        check_consistency(3, 4, old, new, [*proof, other])


@given(st.integers(), st.integers(), st.lists(st.binary(max_size=33), max_size=5), st.binary(max_size=33))
def test_whatever_is_said_the_verifier_answers(first: int, second: int, proof: list[bytes], root: bytes) -> None:
    for check in (check_inclusion, check_consistency):
        try:
            check(first, second, root, proof, root) if check is check_inclusion else check(
                first, second, root, root, proof
            )
        except BadProof:
            pass
        else:
            assert len(root) == 32


def test_the_beginning_of_nothing_and_of_itself() -> None:
    root = naive_root(leaves(5))
    check_consistency(0, 5, EMPTY_ROOT, root, [])
    check_consistency(5, 5, root, root, [])
    check_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    for first, second, old, new in ((5, 5, EMPTY_ROOT, root), (0, 5, root, root), (6, 5, root, root)):
        with pytest.raises(BadProof):
            check_consistency(first, second, old, new, [])


def test_no_proof_of_what_is_not_there() -> None:
    for index in (-1, 5):
        with pytest.raises(IndexError):
            inclusion_proof(leaves(5), index)
    for first in (-1, 6):
        with pytest.raises(IndexError):
            consistency_proof(leaves(5), first)


def vectors(kind: str) -> list[Any]:
    files = sorted((VECTORS / kind).rglob("*.json"))
    missing = pytest.param(None, marks=pytest.mark.skip(reason=f"no official vectors in {VECTORS}"))
    return [pytest.param(file, id=str(file.relative_to(VECTORS))) for file in files] or [missing]


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


NOT_HASHES = "sizes-are-equal-one-and-proof-is-empty.json"
"""Takes two equal roots of 12 bytes; here a hash has 32, always."""


@pytest.mark.parametrize("file", vectors("inclusion"))
def test_official_inclusion(file: Path) -> None:
    case = json.loads(file.read_bytes())
    hashes = [decoded(one) for one in case["proof"] or []]
    arguments = case["leafIdx"], case["treeSize"], decoded(case["leafHash"]), hashes, decoded(case["root"])
    if case["wantErr"]:
        with pytest.raises(BadProof):
            check_inclusion(*arguments)
    else:
        check_inclusion(*arguments)


@pytest.mark.parametrize("file", vectors("consistency"))
def test_official_consistency(file: Path) -> None:
    case = json.loads(file.read_bytes())
    hashes = [decoded(one) for one in case["proof"] or []]
    arguments = case["size1"], case["size2"], decoded(case["root1"]), decoded(case["root2"]), hashes
    if case["wantErr"] or file.name == NOT_HASHES:
        with pytest.raises(BadProof):
            check_consistency(*arguments)
    else:
        check_consistency(*arguments)
