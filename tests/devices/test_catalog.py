"""Which advertisement is which device."""

import pytest

from carebag_devices.catalog import CATALOG, identify
from carebag_devices.catalog.reading import CatalogError, parse_model
from carebag_devices.codecs import auscultation
from carebag_devices.link import Advert, full_uuid

UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"


@pytest.mark.parametrize(
    ("name", "service", "key"),
    [
        ("CB Cuff", "1810", "blood_pressure_service"),
        ("A&D_UA-651BLE_5A1B2C", "1810", "and_ua651"),
        ("BLESmart_00000116", "1810", "omron_connect"),
        ("Nonin3230_502", "1822", "nonin_3230"),
        ("CB Steth", auscultation.SERVICE, "open_auscultation_stream"),
        ("CB CRP", UART, "lis2_over_nordic_uart"),
        ("Some sensor", UART, None),
        ("Thermometer", "1809", "health_thermometer_service"),
        ("BerryMed", "1800", "berry_bm1000"),
        ("Thermostat", "180A", None),
    ],
)
def test_identify(name: str, service: str, key: str | None) -> None:
    model = identify(Advert("00:00:00:00:00:01", name, frozenset({full_uuid(service)})))
    assert (model.key if model else None) == key


def test_every_entry_says_where_it_comes_from() -> None:
    assert all(model.evidence for model in CATALOG)
    assert len({model.key for model in CATALOG}) == len(CATALOG)


ENTRY = """
kind = "scale"
driver = "weight_scale"
gtin = "{}"
[[evidence]]
about = "{}"
source = "synthetic"
"""


def test_a_device_identifier_is_checked_and_needs_a_source_of_its_own() -> None:
    assert parse_model("x", ENTRY.format("02000000000015", "gtin")).gtin == "02000000000015"
    for number, about in (("02000000000016", "gtin"), ("2000000000015", "gtin"), ("02000000000015", "")):
        with pytest.raises(CatalogError, match="gtin"):
            parse_model("x", ENTRY.format(number, about))


def test_full_uuid() -> None:
    assert full_uuid("2A35") == "00002a35-0000-1000-8000-00805f9b34fb"
    assert full_uuid(auscultation.AUDIO.upper()) == auscultation.AUDIO
