"""How fast files may go beside a call: a share of what the picture has, so that sound and vital signs go first."""

from collections.abc import Mapping

from carebag_edge.live.rate_controller import STEPS
from carebag_edge.live_port import PathQuality

SHARE = 0.25
LEAST_KBPS = 30.0
MOST_KBPS = 400.0


def upload_kbps(paths: Mapping[str, PathQuality], *, setting_up: bool = False) -> float | None:
    """kbit/s for all uploads together, by the worst path of the call; None where nobody is connected.

    The least while a call is being set up: a file that fills a narrow link then holds up the call by seconds.
    """
    if not paths:
        return LEAST_KBPS if setting_up else None
    worst = min(path.video_step for path in paths.values())
    video_kbps = STEPS[worst].kbps if worst >= 0 else 0
    return min(max(SHARE * video_kbps, LEAST_KBPS), MOST_KBPS)
