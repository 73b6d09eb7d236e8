"""How fast files may go beside a call: a share of what the picture has, so that sound and vital signs go first."""

from collections.abc import Mapping

from carebag_edge.live.rate_controller import STEPS
from carebag_edge.live_port import PathQuality

SHARE = 0.25
LEAST_KBPS = 30.0
MOST_KBPS = 400.0


def upload_kbps(paths: Mapping[str, PathQuality]) -> float | None:
    """kbit/s for all uploads together, by the worst path of the call; None where nobody is connected."""
    if not paths:
        return None
    worst = min(path.video_step for path in paths.values())
    video_kbps = STEPS[worst].kbps if worst >= 0 else 0
    return min(max(SHARE * video_kbps, LEAST_KBPS), MOST_KBPS)
