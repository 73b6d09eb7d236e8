"""The writer's Merkle tree over the access log: hashes, root, appending, proofs (RFC 6962 section 2.1). Pure.

Who checks a proof uses `audit_verifier`, which shares nothing with this.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""


class BadFrontier(Exception):
    """Stored bytes that are no frontier of a tree of that size."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 of 0x00 and the entry: no entry hashes as an inner node does."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children's hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that an append needs of a tree: the roots of its perfect subtrees, the largest first.

    One hash for each 1 in the binary form of the size, 64 at most.
    """

    size: int = 0
    """Leaves."""
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Self:
        """The frontier with one leaf more; each trailing 1 of the size is a subtree that becomes half of a larger one.

        Args:
            leaf: its hash, 32 bytes.
        """
        hashes, size = list(self.hashes), self.size
        while size & 1:
            leaf = node_hash(hashes.pop(), leaf)
            size >>= 1
        return type(self)(self.size + 1, (*hashes, leaf))

    def root(self) -> bytes:
        """32 bytes."""
        if not self.hashes:
            return EMPTY_ROOT
        *larger, root = self.hashes
        for left in reversed(larger):
            root = node_hash(left, root)
        return root

    def __bytes__(self) -> bytes:
        """The hashes behind each other; the size is kept beside them."""
        return b"".join(self.hashes)

    @classmethod
    def read(cls, size: int, stored: bytes) -> Self:
        """From what `bytes` gave.

        Raises:
            BadFrontier: not as many hashes as a tree of that size has perfect subtrees.
        """
        if size < 0 or len(stored) != HASH_BYTES * size.bit_count():
            raise BadFrontier
        return cls(size, tuple(stored[at : at + HASH_BYTES] for at in range(0, len(stored), HASH_BYTES)))


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    """Of a tree with these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, D[n]) of section 2.1.1: the siblings from the leaf to the root.

    Args:
        leaves: hashes of all leaves of the tree.
        index: of the leaf, from 0.

    Raises:
        IndexError: the tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return []
    half = _split(len(leaves))
    if index < half:
        return [*inclusion_proof(leaves[:half], index), frontier_of(leaves[half:]).root()]
    return [*inclusion_proof(leaves[half:], index - half), frontier_of(leaves[:half]).root()]


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """PROOF(first, D[n]) of section 2.1.2: that the first leaves are the beginning of this tree.

    Args:
        leaves: hashes of all leaves of the larger tree.
        first: size of the smaller one; of 0 and of the whole tree the proof is empty.

    Raises:
        IndexError: the tree is smaller than that.
    """
    if not 0 <= first <= len(leaves):
        raise IndexError(first)
    return _subproof(leaves, first, whole=True) if first else []


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    """`whole`: the smaller tree is this subtree, whose root the verifier knows (`b` of the RFC)."""
    if first == len(leaves):
        return [] if whole else [frontier_of(leaves).root()]
    half = _split(len(leaves))
    if first <= half:
        return [*_subproof(leaves[:half], first, whole=whole), frontier_of(leaves[half:]).root()]
    return [*_subproof(leaves[half:], first - half, whole=False), frontier_of(leaves[:half]).root()]


def _split(size: int) -> int:
    """The largest power of two below the size, which is above 1."""
    return 1 << ((size - 1).bit_length() - 1)
