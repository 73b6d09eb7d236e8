"""Stops a process at its N-th call of one kind: Linux asks its parent before each of them (seccomp user notification).

The other calls cost nothing, and one that is asked about ten microseconds; a tracer (strace) stops at every call of
any kind. What dies is the same: the process is killed on entering the call, which is then never made.
https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html#userspace-notification
"""

import ctypes
import os
import platform
import select
import signal
import socket
import struct
import sys
from collections import Counter

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_ARCH = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_CALLS = {
    "x86_64": {"pwrite64": 18, "fsync": 74, "fdatasync": 75, "rename": 82},
    "aarch64": {"pwrite64": 68, "fsync": 82, "fdatasync": 83, "rename": 38},  # there `rename` is `renameat`
}
_SET_FILTER, _HAS_ACTION, _NEW_LISTENER = 1, 2, 8
_ALLOW, _ASK = 0x7FFF_0000, 0x7FC0_0000
_NO_NEW_PRIVILEGES = 38
_RECEIVE, _ANSWER = 0xC050_2100, 0xC018_2101
_NOTICE_BYTES, _GO_ON = 80, 1
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCH_AT = 0, 4
"""In `struct seccomp_data`."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def can_gate() -> bool:
    """Whether this kernel asks, and the numbers of its calls are known here."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _CALLS:
        return False
    asked = ctypes.c_uint32(_ASK)
    return bool(_libc().syscall(_SECCOMP[machine], _HAS_ACTION, 0, ctypes.byref(asked)) == 0)


def raise_gate(call: str) -> int:
    """From now on each such call of this process, and of its threads to come, waits for an answer.

    Returns:
        The descriptor by which it is asked, for another process.

    Raises:
        OSError: the kernel would not.
    """
    machine = platform.machine()
    steps = (
        (_LOAD_WORD, 0, 0, _ARCH_AT),
        (_JUMP_IF_EQUAL, 0, 3, _ARCH[machine]),
        (_LOAD_WORD, 0, 0, _NUMBER_AT),
        (_JUMP_IF_EQUAL, 0, 1, _CALLS[machine][call]),
        (_RETURN, 0, 0, _ASK),
        (_RETURN, 0, 0, _ALLOW),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.cast(code, ctypes.c_void_p))
    libc = _libc()
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    asked = libc.syscall(_SECCOMP[machine], _SET_FILTER, _NEW_LISTENER, ctypes.byref(program))
    if asked < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(asked)


def hand_over(asked: int, to: socket.socket) -> None:
    socket.send_fds(to, [b"."], [asked])
    os.close(asked)
    to.close()


def taken(hands: socket.socket) -> int:
    """What `hand_over` gave. Raises: RuntimeError: nothing."""
    _, (*given,), _, _ = socket.recv_fds(hands, 1, 1)
    hands.close()
    if len(given) != 1:
        raise RuntimeError("a life ended before its gate was there")
    return int(given[0])


def keep_gate(asked: int, process_id: int, number: int) -> None:
    """Let calls through until a thread is at its `number`-th, and kill the process there; or until it ends."""
    import fcntl  # not on Windows

    calls: Counter[int] = Counter()
    poll = select.poll()
    poll.register(asked, select.POLLIN)
    try:
        while poll.poll()[0][1] & select.POLLIN:
            notice = bytearray(_NOTICE_BYTES)
            try:
                fcntl.ioctl(asked, _RECEIVE, notice)
                notice_id, thread = struct.unpack_from("=QI", notice)
                calls[thread] += 1
                if calls[thread] == number:
                    os.kill(process_id, signal.SIGKILL)
                    return
                fcntl.ioctl(asked, _ANSWER, struct.pack("=QqiI", notice_id, 0, 0, _GO_ON))
            except FileNotFoundError:  # it was killed meanwhile
                continue
    finally:
        os.close(asked)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
