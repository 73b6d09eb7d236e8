"""What all wire models have in common, and the ids they use."""

import os
import uuid
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


class Wire(BaseModel):
    """A message or a part of one: unknown fields are refused, so that a wrong version is noticed and not half-read."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


Id = uuid.UUID
Utc = AwareDatetime
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]
"""A word of a catalogue (`cuff_too_loose`); the pages hold the sentences, in four languages."""
# PostgreSQL stores no NUL; marks that turn the direction of text could make a signed plan read as another
PLAIN = r"^[^\x00\u202a-\u202e\u2066-\u2069]*$"
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=PLAIN)]
ShortText = Annotated[str, StringConstraints(max_length=500, pattern=PLAIN)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=2**53)]
RateHz = Annotated[int, Field(ge=1000, le=96_000)]


def uuid7(unix_ms: int) -> uuid.UUID:
    """A time-ordered id made by whoever makes the record (RFC 9562, section 5.7).

    Args:
        unix_ms: milliseconds since 1970 UTC; the caller owns the clock.
    """
    random = int.from_bytes(os.urandom(10), "big")
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= ((random >> 68) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & 0x3FFF_FFFF_FFFF_FFFF
    return uuid.UUID(int=value)
