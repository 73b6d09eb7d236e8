"""A machine becomes a kit by its code; a kit gets another key. Tries with codes that do not work are counted."""

from sqlalchemy.orm import Session

from carebag_server import kit_enrolment
from carebag_server.access import NotABrowser, TheKit
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_wire.kit_enrolment import EnrolKit, KitEnrolled, ReplaceKey

router = api_router("/api", "kit")


@router.post("/kit-enrolment")
def enrol_kit(said: EnrolKit, visitor: NotABrowser, hub: TheHub) -> KitEnrolled:
    """Raises: Refused: 429 `too_many_tries`, and as `kit_enrolment.enrol`."""

    def work(session: Session) -> KitEnrolled:
        return kit_enrolment.enrol(session, said, visitor, hub.settings.origins, hub.now())

    return hub.counted(hub.code_tries, visitor.address, work, wrong=(400, 410))


@router.post("/kit/key", status_code=204)
def replace_kit_key(said: ReplaceKey, caller: TheKit, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        kit_enrolment.replace_key(session, caller, said, hub.now())
