"""Children that end when their parent is killed: what no `finally` can do, Linux does (prctl, PR_SET_PDEATHSIG).

Elsewhere they end as their parent says, and stay if it is killed.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

SET_DEATH_SIGNAL = 1
_process_control = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def tied() -> Callable[[], None] | None:
    """For `Popen(preexec_fn=…)`: the child is killed when this process is.

    Returns: None where that is not to be had: not Linux; or not the main thread, with whose end the child would end.
    """
    if _process_control is None or threading.current_thread() is not threading.main_thread():
        return None
    parent = os.getpid()
    return lambda: tie(parent)


def tie(parent: int) -> None:
    """Called by the child, after its fork: from now on it ends with its parent, also if that has ended already.

    Holds over `exec`, but not for children of its own.
    """
    if _process_control is None:
        return
    _process_control(SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
