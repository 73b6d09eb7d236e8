"""A visit with its published score, unless the operator switched it off (`Settings.news2`)."""

from carebag_scores.early_warning import with_early_warning
from carebag_server.hub import Hub
from carebag_wire.visit import VisitSnapshot


def scored(hub: Hub, snapshot: VisitSnapshot) -> VisitSnapshot:
    return with_early_warning(snapshot) if hub.settings.news2 else snapshot
