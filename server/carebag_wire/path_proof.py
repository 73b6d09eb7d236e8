"""What a doctor's page measured of the way from the kit to its loudspeaker; kept with the visit."""

from typing import Annotated, Literal

from pydantic import Field

from carebag_wire.base import RateHz, ShortText, Utc, Wire

PathWord = Literal["good", "filtered", "distorted", "interrupted", "slow", "silent"]
"""The worst that was found, in that order of severity from the end; `good`: nothing."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Milliseconds = Annotated[int, Field(ge=-60_000, le=60_000)]
Decibel = Annotated[float, Field(ge=-120, le=120, allow_inf_nan=False)]


class PathLevel(Wire):
    """Level of one frequency against what was sent; None where it could not be measured."""

    hz: Annotated[int, Field(ge=1, le=48_000)]
    db: Decibel | None


class MakePathProof(Wire):
    """One proof as the page measured it."""

    proof: Annotated[int, Field(ge=2**52, le=2**53)]
    """Number of its stream, which no body sound has."""
    word: PathWord
    carrier: Literal["script_transform", "encoded_streams", "data_channel"]
    rate_hz: RateHz
    response: Annotated[list[PathLevel], Field(min_length=1, max_length=32)]
    latency_ms: Milliseconds | None
    """From the kit having a sample to the page's audio thread giving it out; None when the clocks were not compared."""
    clock_error_ms: Milliseconds
    """Half the quickest way there and back: the latency is known to so much, either way."""
    packets_lost: Share | None
    missing: Share
    """Of the sweep, never rendered."""
    waited_ms: Annotated[int, Field(ge=0, le=600_000)]
    pauses: Annotated[int, Field(ge=0, le=100_000)]


class PathProof(MakePathProof):
    """As it is kept."""

    at: Utc
    by: ShortText
