"""LIS2-A2 in LIS01-A2 frames over a wire: the analyser speaks, the kit answers."""

from carebag_devices.catalog import Model
from carebag_devices.drivers.lab_chart import LabChart
from carebag_devices.drivers.lis2_link import Lis2Link
from carebag_devices.drivers.session import Reporter
from carebag_devices.wired.stream import Stream


class Lis2Session:
    """`Session` for `lis2_wired`. An open serial port counts as ready: the analyser is silent until it has a result."""

    def __init__(self, report: Reporter, model: Model) -> None:
        self._report, self._model = report, model
        self._link: Lis2Link | None = None

    @property
    def busy(self) -> bool:
        return self._link is not None and self._link.busy

    async def serve(self, stream: Stream) -> None:
        answers: list[bytes] = []
        self._link = Lis2Link(self._report, LabChart(self._report, self._model), answers.append)
        self._link.ready()
        while True:
            self._link.feed(await stream.read())
            said = b"".join(answers)
            answers.clear()
            await stream.write(said)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
