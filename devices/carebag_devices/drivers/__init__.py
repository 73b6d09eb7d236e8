"""One driver per kind of instrument: from its bytes to events, over a `link.Link`, without knowing any radio.

session          what all drivers share: who the device is, what was told
meter            results of any meter: fresh or out of a memory that is pushed
recorded_meter   memory that is read by the Record Access Control Point
clock_keeper     the device's clock: read, tell, set by policy
cuff, thermometer, scale, oximeter, glucose_meter   standard services
berry_oximeter   a maker's own stream with the pulse wave
stethoscope      Open Auscultation Stream
crp_analyser     LIS2-A2 over a serial port on GATT
"""

from carebag_devices.catalog import Model
from carebag_devices.catalog.model import DriverName
from carebag_devices.drivers.berry_oximeter import BerryOximeterDriver
from carebag_devices.drivers.crp_analyser import CrpDriver
from carebag_devices.drivers.cuff import CuffDriver
from carebag_devices.drivers.glucose_meter import GlucoseDriver
from carebag_devices.drivers.oximeter import OximeterDriver
from carebag_devices.drivers.scale import ScaleDriver
from carebag_devices.drivers.session import Driver
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.drivers.thermometer import ThermometerDriver

BLUETOOTH_DRIVERS: dict[DriverName, type[Driver]] = {
    "blood_pressure": CuffDriver,
    "pulse_oximeter": OximeterDriver,
    "berry_oximeter": BerryOximeterDriver,
    "thermometer": ThermometerDriver,
    "weight_scale": ScaleDriver,
    "glucose": GlucoseDriver,
    "auscultation": StethoscopeDriver,
    "lis2_uart": CrpDriver,
}


def driver_for(model: Model) -> type[Driver]:
    """The driver of a model that is reached by Bluetooth. Raises `KeyError` for the others."""
    return BLUETOOTH_DRIVERS[model.driver]
