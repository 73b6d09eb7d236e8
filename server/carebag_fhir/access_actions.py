"""What each action of the access log is in FHIR: created, read or updated, and done or refused."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Action:
    kind: Literal["C", "R", "U"]
    refused: str = ""
    """Why nothing came of it, in words; empty: it was done."""

    @property
    def outcome(self) -> Literal["0", "4"]:
        return "4" if self.refused else "0"


_READ = (
    "access_read",
    "audit_exported",
    "audit_read",
    "earlier_access_read",
    "earlier_sounds_listed",
    "guest_joined",
    "media_read",
    "room_joined",
    "sound_path_proofs_read",
    "visit_exported",
    "visit_printed",
    "visit_read",
    "visit_sent_to_kit",
    "visits_listed",
)
_CREATED = (
    "consent_recorded",
    "emergency_opened",
    "access_judged",
    "guest_invited",
    "kit_damage_seen",
    "mark_made",
    "media_stored",
    "moved_here",
    "note_written",
    "outcome_said",
    "photo_taken_stored",
    "premise_said",
    "question_answered",
    "question_asked",
    "question_put",
    "reading_filed",
    "reading_stored",
    "request_made",
    "sound_heard",
    "sound_path_proved",
    "sound_recorded_stored",
    "unassigned",
    "visit_cancelled",
    "visit_planned",
)
_CHANGED = (
    "camera_choose",
    "camera_freeze",
    "camera_release",
    "camera_still",
    "consent_withdrawn",
    "emergency_ended",
    "guest_admitted",
    "guest_at_door",
    "guest_came",
    "guest_camera_off",
    "guest_camera_on",
    "guest_ended",
    "guest_examination_off",
    "guest_examination_on",
    "guest_left",
    "mark_taken_back",
    "move_proposed",
    "move_refused",
    "moved_away",
    "note_signed",
    "photo_kept",
    "photo_rejected",
    "reading_kept",
    "reading_rejected",
    "reading_set_aside",
    "reading_taken_back",
    "reading_withdrawn",
    "request_cancelled",
    "request_declined",
    "request_started",
    "sound_kept",
    "sound_rejected",
    "visit_closed",
    "visit_closed_for_another",
    "visit_opened",
    "visit_taken_over",
)
_REFUSED = {
    "binding_differs": Action("C", "Kept outside the visit: its patient or kit is not the visit's."),
    "filing_without_effect": Action(
        "U", "Kept, without effect: a doctor had decided, or it is no reading of the tray."
    ),
    "record_conflict": Action("C", "Refused: another record has this id or number."),
    "withdrawal_without_effect": Action("U", "Kept, without effect: a doctor had decided, or it was not typed here."),
}
ACTIONS: dict[str, Action] = {
    **dict.fromkeys(_READ, Action("R")),
    **dict.fromkeys(_CREATED, Action("C")),
    **dict.fromkeys(_CHANGED, Action("U")),
    **_REFUSED,
}
"""Every action that can carry a visit."""
