"""Checks proofs of a Merkle tree, by the algorithms of RFC 9162 section 2.1 (its trees are those of RFC 6962). Pure."""

from collections.abc import Sequence
from hashlib import sha256

_HASH = 32


class BadProof(Exception):
    """The proof does not prove it."""


def hash_leaf(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def _hash_pair(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Whether the leaf is in the tree at that place (2.1.3.2).

    Args:
        index: of the leaf, from 0.
        size: leaves of the tree.
        leaf: its hash.
        proof: from the leaf's sibling to the root's child.

    Raises:
        BadProof: it is not, or one of the hashes is none.
    """
    _all_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise BadProof
    node, last, made = index, size - 1, leaf
    for other in proof:
        if last == 0:
            raise BadProof
        if node & 1 or node == last:
            made = _hash_pair(other, made)
            node, last = _up_to_a_right_child(node, last)
        else:
            made = _hash_pair(made, other)
        node, last = node >> 1, last >> 1
    if last != 0 or made != root:
        raise BadProof


def check_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Whether the tree of the first size is the beginning of the one of the second (2.1.4.2).

    A tree without leaves is the beginning of every one: then the proof must be empty.

    Raises:
        BadProof: it is not, or one of the hashes is none.
    """
    _all_hashes(first_root, second_root, *proof)
    if not 0 <= first <= second or (first == 0 and first_root != sha256().digest()):
        raise BadProof
    if first in (0, second):
        if proof or (first == second and first_root != second_root):
            raise BadProof
        return
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not proof:
        raise BadProof
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for other in path[1:]:
        if last == 0:
            raise BadProof
        if node & 1 or node == last:
            old, new = _hash_pair(other, old), _hash_pair(other, new)
            node, last = _up_to_a_right_child(node, last)
        else:
            new = _hash_pair(new, other)
        node, last = node >> 1, last >> 1
    if last != 0 or old != first_root or new != second_root:
        raise BadProof


def _up_to_a_right_child(node: int, last: int) -> tuple[int, int]:
    """A node without a sibling is its own parent: up, until it is a right child or the root."""
    while not node & 1 and node:
        node, last = node >> 1, last >> 1
    return node, last


def _all_hashes(*hashes: bytes) -> None:
    if any(len(one) != _HASH for one in hashes):
        raise BadProof


class Stack:
    """The tree's root while leaves come one after the other (2.1.2): subtrees that wait for one of the same height."""

    def __init__(self) -> None:
        self.size = 0
        self._waiting: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """One leaf's hash more."""
        height = 0
        while self._waiting and self._waiting[-1][0] == height:
            leaf = _hash_pair(self._waiting.pop()[1], leaf)
            height += 1
        self._waiting.append((height, leaf))
        self.size += 1

    def root(self) -> bytes:
        made = b""
        for _, subtree in reversed(self._waiting):
            made = _hash_pair(subtree, made) if made else subtree
        return made or sha256().digest()

    def subtrees(self) -> bytes:
        """Their roots behind each other, the largest first: what the writer keeps."""
        return b"".join(subtree for _, subtree in self._waiting)
