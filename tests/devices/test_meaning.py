"""Every vector of the catalog means what it says, and every quirk is shown to matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.catalog import CATALOG, Model, Vector, model_named
from carebag_devices.meaning import READERS, meaning_of
from carebag_devices.meaning.checking import differences

READ_DIFFERENTLY = [model for model in CATALOG if model.key in ("blood_pressure_service", "beurer_bm85")]
VECTORS = [
    pytest.param(model, vector, id=f"{model.key}-{at}") for model in CATALOG for at, vector in enumerate(model.vectors)
]


@pytest.mark.parametrize(("model", "vector"), VECTORS)
def test_a_vector_means_what_it_says(model: Model, vector: Vector) -> None:
    assert differences(model, vector) == []


BYTE_QUIRKS = {"big_endian", "user_without_flag", "unit_by_exponent"}


def test_every_quirk_of_bytes_has_its_vector() -> None:
    for model in CATALOG:
        shown = {vector.quirk for vector in model.vectors}
        assert model.quirks & BYTE_QUIRKS <= shown, model.key


@pytest.mark.parametrize("model", READ_DIFFERENTLY, ids=lambda model: model.key)
@pytest.mark.parametrize("characteristic", READERS)
@given(raw=st.binary(max_size=30))
def test_any_bytes_mean_something_or_a_problem(model: Model, characteristic: str, raw: bytes) -> None:
    meant = meaning_of(model, characteristic, raw)
    assert meant.kind == READERS[characteristic][0]
    assert bool(meant.values) != (meant.problem is not None)
    assert all(value.value.is_finite() for value in meant.values)


@pytest.mark.parametrize("special", ["ff07", "0008", "fe07", "0208", "0108"])
def test_no_special_value_is_ever_a_pressure(special: str) -> None:
    model = model_named("blood_pressure_service")
    assert model is not None
    meant = meaning_of(model, "2A35", bytes.fromhex(f"00 {special} 5200 6100"))
    assert (meant.values, meant.problem) == ((), "measurement_failed")


@pytest.mark.parametrize("pressures", ["0000 5200 6100", "8000 0000 6100", "ffff 5200 6100", "8000 ff07 6100"])
def test_without_both_pressures_there_is_no_blood_pressure(pressures: str) -> None:
    model = model_named("blood_pressure_service")
    assert model is not None
    meant = meaning_of(model, "2A35", bytes.fromhex(f"00 {pressures}"))
    assert (meant.values, meant.problem) == ((), "measurement_failed")
