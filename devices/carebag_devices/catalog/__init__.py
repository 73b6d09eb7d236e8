"""Which device is what: model → how to recognise it, how to treat it, what its numbers mean. Data, not code.

    models/*.toml   one file for each model or standard profile, with evidence and test vectors
    model.py        what such a file may say
    reading.py      file → `Model`, refusing what makes no sense
    codes.py        LOINC and UCUM for every value there is

Named models stand before the standard profiles, so that a device with a standard service and an unknown name is treated
strictly by its specification.
"""

from collections.abc import Sequence

from carebag_devices.catalog.codes import CRP_CAPILLARY, CRP_WHOLE_BLOOD, LOINC, UCUM, UCUM_OF
from carebag_devices.catalog.model import (
    SIMULATOR_MAKER,
    UART_RX,
    UART_SERVICE,
    UART_TX,
    Evidence,
    Model,
    Vector,
)
from carebag_devices.catalog.reading import CatalogError, parse_model, read_catalog
from carebag_devices.link import Advert

CATALOG: tuple[Model, ...] = read_catalog()


def identify(advert: Advert, catalog: Sequence[Model] = CATALOG) -> Model | None:
    """The model an advertisement comes from, None for everything that is not ours."""
    return next((model for model in catalog if model.matches(advert)), None)


def model_named(key: str, catalog: Sequence[Model] = CATALOG) -> Model | None:
    """The model with this key."""
    return next((model for model in catalog if model.key == key), None)


__all__ = [
    "CATALOG",
    "CRP_CAPILLARY",
    "CRP_WHOLE_BLOOD",
    "LOINC",
    "SIMULATOR_MAKER",
    "UART_RX",
    "UART_SERVICE",
    "UART_TX",
    "UCUM",
    "UCUM_OF",
    "CatalogError",
    "Evidence",
    "Model",
    "Vector",
    "identify",
    "model_named",
    "parse_model",
    "read_catalog",
]
