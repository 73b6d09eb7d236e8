"""`Card` by PortAudio, through `sounddevice` (extra `sound`; on Linux with the system's libportaudio2).

PortAudio lists its devices once, when it is initialised: to see what was plugged in since, it must be ended and begun
anew, which is allowed only while nothing is open. It may also hang when a device goes away. So every call is made in
a thread that nobody has to wait for at exit, one call at a time.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from carebag_devices.errors import DeviceRefused, DeviceSilent
from carebag_devices.sound_card.card import Capture, Receive, SoundInput

log = logging.getLogger(__name__)

CALL_WITHIN_S = 10.0
"""Listing asks every device there is; some take their time."""
CLOSE_WITHIN_S = 2.0
BLOCKS_PER_S = 50

T = TypeVar("T")


class PortAudio:
    """This machine's sound inputs. One object for the process: PortAudio has one state."""

    def __init__(self) -> None:
        self._calling = threading.Lock()
        self._open = 0

    async def inputs(self) -> list[SoundInput]:
        return await self._call(self._list)

    async def accepts(self, chosen: SoundInput, rate_hz: int) -> bool:
        return await self._call(lambda: self._accepts(chosen, rate_hz))

    async def open(self, chosen: SoundInput, rate_hz: int, receive: Receive) -> Capture:
        return await self._call(
            lambda: self._start(chosen, rate_hz, receive), undo=lambda late: self._stop(late.stream)
        )

    def _list(self) -> list[SoundInput]:
        sounddevice = _library()
        if not self._open:
            # private, and the only way: spatialaudio/python-sounddevice#16
            sounddevice._terminate()
            sounddevice._initialize()
        return [
            SoundInput(number, str(one["name"]), int(one["max_input_channels"]), round(one["default_samplerate"]))
            for number, one in enumerate(sounddevice.query_devices())
        ]

    def _accepts(self, chosen: SoundInput, rate_hz: int) -> bool:
        sounddevice = _library()
        try:
            sounddevice.check_input_settings(device=chosen.index, channels=1, dtype="int16", samplerate=rate_hz)
        except (sounddevice.PortAudioError, ValueError):
            return False
        return True

    def _start(self, chosen: SoundInput, rate_hz: int, receive: Receive) -> "_Capture":
        sounddevice = _library()

        def captured(data: Any, _frames: int, when: Any, status: Any) -> None:
            receive(bytes(data), float(when.inputBufferAdcTime), bool(status.input_overflow))

        try:
            stream = sounddevice.RawInputStream(
                samplerate=rate_hz,
                blocksize=rate_hz // BLOCKS_PER_S,
                device=chosen.index,
                channels=1,
                dtype="int16",
                latency="high",
                callback=captured,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceRefused("sound_input_busy") from error
        self._open += 1
        return _Capture(self, stream)

    def _stop(self, stream: Any) -> None:
        try:
            with contextlib.suppress(_library().PortAudioError):
                stream.stop(ignore_errors=True)
            stream.close(ignore_errors=True)
        finally:
            self._open -= 1

    async def _call(
        self, work: Callable[[], T], within_s: float = CALL_WITHIN_S, undo: Callable[[T], None] | None = None
    ) -> T:
        """Do `work` in a thread. `undo` its result if it comes when nobody waits for it any more.

        Raises `DeviceSilent` when the sound system does not come back.
        """
        waited_for: Future[T] = Future()

        def run() -> None:
            with self._calling:
                try:
                    result = work()
                except Exception as error:
                    _settle(waited_for, error)
                else:
                    if not _settle(waited_for, None, result) and undo is not None:
                        undo(result)

        threading.Thread(target=run, name="PortAudio", daemon=True).start()
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.wrap_future(waited_for)
        except (TimeoutError, asyncio.CancelledError) as gone:
            # it may have come in this very moment
            if not waited_for.cancel() and undo is not None:
                threading.Thread(target=self._undo, args=(waited_for, undo), name="PortAudio", daemon=True).start()
            if isinstance(gone, TimeoutError):
                raise DeviceSilent("sound_system_hangs") from None
            raise

    def _undo(self, came: "Future[T]", undo: Callable[[T], None]) -> None:
        if came.exception() is None:
            with self._calling:
                undo(came.result())


def _settle(waited_for: "Future[Any]", error: Exception | None, result: object = None) -> bool:
    """False when the one who waited has gone."""
    if not waited_for.set_running_or_notify_cancel():
        return False
    if error is not None:
        waited_for.set_exception(error)
    else:
        waited_for.set_result(result)
    return True


class _Capture:
    """An open stream."""

    def __init__(self, system: PortAudio, stream: Any) -> None:
        self._system, self.stream = system, stream
        self._closed = False

    @property
    def alive(self) -> bool:
        return not self._closed and bool(self.stream.active)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._system._call(lambda: self._system._stop(self.stream), CLOSE_WITHIN_S)
        except Exception as error:
            log.warning("sound input did not close: %s", type(error).__name__)


def _library() -> Any:
    """Raises `DeviceSilent` where the package or the system's PortAudio is not installed."""
    try:
        import sounddevice
    except (ImportError, OSError):
        raise DeviceSilent("sound_system_missing") from None
    return sounddevice


PORT_AUDIO = PortAudio()
