"""Which settings the hub does not start with, and what is read out of claims of any form."""

import argparse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.oidc.claims import CARE, purpose_is_right, said_by
from carebag_server.oidc.settings import OidcSettings
from carebag_server.refusals import Refused
from carebag_server.settings import Settings, UnsafeSettings, settings_from

GOOD = {"issuer": "https://idp.example.se", "client_id": "carebag", "client_secret": "s", "acr": ("loa3",)}


def fault(demo: bool = False, **changes: Any) -> str | None:
    return OidcSettings(**{**GOOD, **changes}).fault(demo)


def test_a_whole_set_is_taken_and_none_at_all() -> None:
    assert fault() is None
    assert OidcSettings().fault(demo=False) is None
    assert fault(issuer="http://127.0.0.1:9400", acr=(), demo=True) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "http://idp.example.se"}, "oidc_plain_http"),
        ({"issuer": "http://127.0.0.1.evil.example"}, "oidc_plain_http"),
        ({"issuer": ""}, "oidc_no_issuer"),
        ({"client_id": ""}, "oidc_no_client"),
        ({"client_secret": ""}, "oidc_no_secret"),
        ({"acr": ()}, "oidc_no_acr"),
        ({"demo": True}, "oidc_in_demo"),
        *(({"issuer": bad}, "oidc_bad_issuer") for bad in (
            "idp.example.se", "ftp://idp.example.se", "https://", "https://a@idp.example.se", "https://i.se?x",
            "https://i.se#x", "https://i.se:x", "https://[::1", "https://i.se/a b", "https://i.se\n", "javascript:1",
        )),
    ],
)  # fmt: skip
def test_each_fault_stops_the_start(changes: dict[str, Any], code: str) -> None:
    demo = changes.pop("demo", False)
    assert fault(demo, **changes) == code
    with pytest.raises(UnsafeSettings, match=f"^{code}$"):
        Settings(oidc=OidcSettings(**{**GOOD, **changes}), demo=demo).check()


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    file.chmod(0o640)
    environ = {
        "CAREBAG_OIDC": "https://idp.example.se",
        "CAREBAG_OIDC_CLIENT": "carebag",
        "CAREBAG_OIDC_SECRET_FILE": str(file),
        "CAREBAG_OIDC_ACR": "loa3 loa4",
        "CAREBAG_OIDC_NAME": "Freja",
    }
    oidc = settings_from(argparse.Namespace(), environ).oidc
    assert (oidc.client_secret, oidc.acr, oidc.name, oidc.fault(demo=False)) == (
        "from a file",
        ("loa3", "loa4"),
        "Freja",
        None,
    )
    assert "from a file" not in repr(oidc)
    file.chmod(0o644)
    with pytest.raises(UnsafeSettings, match="open_oidc_secret_file"):
        settings_from(argparse.Namespace(), environ)
    file.chmod(0o640)
    flagged = settings_from(argparse.Namespace(oidc="https://other.example.se"), environ)
    assert flagged.oidc.issuer == "https://other.example.se"
    with pytest.raises(UnsafeSettings, match="no_oidc_secret_file"):
        settings_from(argparse.Namespace(), {**environ, "CAREBAG_OIDC_SECRET_FILE": str(tmp_path / "none")})


NAMES = ("employeeHsaId", "commissionHsaId", "commissionPurpose", "healthCareProviderHsaId")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, anything)))
def test_claims_of_any_form_are_read_or_refused(claims: dict[str, Any]) -> None:
    refused = None
    try:
        said = said_by(claims)
    except Refused as error:
        refused = error
    if refused is not None:
        assert (refused.status, refused.code) in {(403, "oidc_no_employee"), (403, "oidc_bad_claims")}
        return
    assert said.employee_hsa_id in (claims["employeeHsaId"], *list(claims["employeeHsaId"]))
    ids = [one.hsa_id for one in said.commissions]
    assert len(ids) == len(set(ids))
    assert all(
        0 < len(text) <= 64 for one in said.commissions for text in (one.hsa_id, one.purpose, one.provider_hsa_id)
    )


@pytest.mark.parametrize("role", ["doctor", "nurse"])
def test_only_care_opens_care(role: Any) -> None:
    assert purpose_is_right(role, "", CARE)
    assert not any(
        purpose_is_right(role, said, said) for said in ("", "Administration", "Kvalitetssäkring", f"{CARE} ")
    )


def test_a_reviewers_purpose_is_the_one_written_here() -> None:
    assert purpose_is_right("reviewer", "Kvalitetssäkring", "Kvalitetssäkring")
    assert not purpose_is_right("reviewer", "Kvalitetssäkring", CARE)
    assert purpose_is_right("reviewer", "", "Kvalitetssäkring")
