"""Children that end when their parent is killed: what no `finally` can do, Linux does (prctl, PR_SET_PDEATHSIG).

Elsewhere they end as their parent says, and stay if it is killed.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

SET_DEATH_SIGNAL = 1
_ENDING = (signal.SIGTERM, signal.SIGINT)
_process_control = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """While a tied child is started and written down: told to end, this process ends after it, and so ends it too.

    Without, a child that the exception of a SIGTERM found half started is nobody's to wait for.
    """
    if tied() is None:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    _process_control(SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
