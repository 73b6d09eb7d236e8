"""What a provider says of a person: who in which employment, and in which commission (medarbetaruppdrag). Pure.

Names of claims are those of Inera's IdP for SITHS: `employeeHsaId`, `commissionHsaId`, `commissionPurpose`,
`healthCareProviderHsaId`. The last three are texts, or lists of equal length where the person may choose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from carebag_server.refusals import Refused
from carebag_wire.visit import Role

CARE = "Vård och behandling"
"""The purpose that reading for care needs (patientdatalagen 2008:355 ch. 2 s. 4, in HSA's own words)."""
CLINICAL: frozenset[Role] = frozenset({"doctor", "nurse"})
LONGEST = 64


@dataclass(frozen=True)
class SaidCommission:
    hsa_id: str
    purpose: str
    provider_hsa_id: str


@dataclass(frozen=True)
class Said:
    employee_hsa_id: str
    commissions: tuple[SaidCommission, ...]


def said_by(claims: Mapping[str, Any]) -> Said:
    """Read the claims.

    Raises:
        Refused: 403 `oidc_no_employee` (no `employeeHsaId`), `oidc_bad_claims` (of another form than told above).
    """
    employee = _texts(claims.get("employeeHsaId"))
    if not employee:
        raise Refused(403, "oidc_no_employee")
    ids = _texts(claims.get("commissionHsaId"))
    purposes, providers = (_texts(claims.get(name)) for name in ("commissionPurpose", "healthCareProviderHsaId"))
    if len(employee) != 1 or len(set(ids)) != len(ids) or {len(purposes), len(providers)} != {len(ids)}:
        raise Refused(403, "oidc_bad_claims")
    return Said(employee[0], tuple(map(SaidCommission, ids, purposes, providers)))


def purpose_is_right(role: Role, stored: str, said: str) -> bool:
    """Whether a commission's purpose allows the role.

    Args:
        stored: the purpose that the hub's own commission has; "" where nobody wrote one.
    """
    if role in CLINICAL:
        return said == CARE
    return stored in {"", said}


def _texts(claim: object) -> list[str]:
    if claim is None or claim == "":
        return []
    found = claim if isinstance(claim, list) else [claim]
    if not all(isinstance(one, str) and 0 < len(one) <= LONGEST and "\x00" not in one for one in found):
        raise Refused(403, "oidc_bad_claims")
    return list(found)
