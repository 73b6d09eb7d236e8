"""What the kit asks of its examination cameras besides the moving picture: choose one, hold it still, take a photo."""

from dataclasses import dataclass
from typing import Protocol

from carebag_wire.values import Times


@dataclass(frozen=True)
class Still:
    """One picture at the camera's full resolution, with the time at which it was taken, not stored or asked for."""

    jpeg: bytes
    times: Times
    camera: str


class CameraStopped(Exception):
    """No still; `code` is a catalogue word: `camera_missing`, `camera_busy`, `camera_stopped`, `camera_off`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ExaminationCamera(Protocol):
    """The cameras of one kit, of which one is looked through."""

    @property
    def names(self) -> list[str]: ...

    @property
    def chosen(self) -> int: ...

    @property
    def held(self) -> Still | None:
        """The picture that stands still; None while it moves."""

    def choose(self, place: int) -> None:
        """Look through another one; a picture that stands still is let go.

        Raises:
            IndexError: there is none at this place.
        """

    async def still(self) -> Still:
        """The picture of now at full resolution; of one that stands still, that very picture.

        Raises:
            CameraStopped: there is none.
        """

    async def freeze(self) -> Still:
        """As `still`, and everybody goes on seeing it."""

    def release(self) -> None:
        """Let the picture move again."""


class NoExaminationCamera:
    """A kit without a camera."""

    names: list[str] = []  # noqa: RUF012
    chosen = 0
    held: Still | None = None

    def choose(self, place: int) -> None:
        raise IndexError(place)

    async def still(self) -> Still:
        raise CameraStopped("camera_off")

    async def freeze(self) -> Still:
        raise CameraStopped("camera_off")

    def release(self) -> None: ...
