"""A person who is not known yet, and what they turn out to be.

A merge is a fact that a person stated and that others can take back: nothing is rewritten, every record stays under the
identity with which it was taken, and what belongs together is computed from the merges that stand.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from carebag_wire.identity.person import Identity
from carebag_wire.identity.systems import CONFIRMED, URI

MergeCode = Literal[
    "merge_ring",
    "merged_elsewhere",
    "two_confirmed_identities",
    "confirmed_identity_merged_away",
    "merge_without_reason",
    "merge_without_zone",
]
"""What is wrong:

    merge_ring                      an identity would become itself
    merged_elsewhere                it was merged into another one before: take that back first
    two_confirmed_identities        two numbers of population registers: two people, until a register says otherwise
    confirmed_identity_merged_away  a register's number never disappears behind one that is not
    merge_without_reason            nobody could judge it later
    merge_without_zone              `at` has no zone
"""


class BadMerge(ValueError):
    """These merges cannot stand together; no identity is in the message."""

    def __init__(self, code: MergeCode) -> None:
        super().__init__(code)
        self.code: MergeCode = code


@dataclass(frozen=True)
class TemporaryIdentity:
    """Somebody of whom nothing is known, a newborn, or somebody whose number cannot be had now."""

    id: uuid.UUID
    """Made where the person is met, without asking anybody; unique everywhere."""

    @property
    def system(self) -> str:
        return URI

    @property
    def value(self) -> str:
        return self.id.urn


AnyIdentity = Identity | TemporaryIdentity


@dataclass(frozen=True)
class Merge:
    """`of` was found to be the person that `into` is."""

    of: AnyIdentity
    into: AnyIdentity
    by: uuid.UUID
    """The practitioner who says so."""
    at: datetime
    """With zone."""
    reason: str = field(repr=False)
    """In words: how it was found out."""

    def __post_init__(self) -> None:
        """Raises: BadMerge."""
        if self.of == self.into:
            raise BadMerge("merge_ring")
        if self.of.system in CONFIRMED:
            confirmed = self.into.system in CONFIRMED
            raise BadMerge("two_confirmed_identities" if confirmed else "confirmed_identity_merged_away")
        if not self.reason.strip():
            raise BadMerge("merge_without_reason")
        if self.at.utcoffset() is None:
            raise BadMerge("merge_without_zone")


class Merges:
    """Merges that stand together, in any order; one that was taken back is not given.

    The same merge may be there twice: two people found out the same.
    """

    def __init__(self, merges: Iterable[Merge] = ()) -> None:
        """Raises: BadMerge: `merged_elsewhere`, `merge_ring`."""
        self._into: dict[AnyIdentity, AnyIdentity] = {}
        for merge in merges:
            if self._into.setdefault(merge.of, merge.into) != merge.into:
                raise BadMerge("merged_elsewhere")
        _refuse_rings(self._into)

    def resolve(self, identity: AnyIdentity) -> AnyIdentity:
        """What it turned out to be, over any number of steps; itself where nobody said anything."""
        while identity in self._into:
            identity = self._into[identity]
        return identity

    def all_of(self, identity: AnyIdentity) -> frozenset[AnyIdentity]:
        """Every identity under which records of the same person may stand, with this one."""
        end = self.resolve(identity)
        return frozenset(one for one in {*self._into, end} if self.resolve(one) == end)


def resolve(identity: AnyIdentity, merges: Iterable[Merge]) -> AnyIdentity:
    """`Merges(merges).resolve(identity)`: the whole list is checked, whatever is asked.

    Raises:
        BadMerge
    """
    return Merges(merges).resolve(identity)


def _refuse_rings(into: Mapping[AnyIdentity, AnyIdentity]) -> None:
    ended: set[AnyIdentity] = set()
    for start in into:
        path: dict[AnyIdentity, None] = {}
        one = start
        while one in into and one not in ended:
            if one in path:
                raise BadMerge("merge_ring")
            path[one] = None
            one = into[one]
        ended.update(path)
