"""A doctor's page that comes back over another connection, at whichever hub, is the participant that it was. Pure.

The page makes a secret of 256 bits when it is loaded, keeps it in its memory and says it with each `hello`. What the
others see is a mark of it: a digest together with the signed-in session. So every hub finds the same mark and none
keeps anything; who learns the mark cannot make the secret of it; and who learns the secret has another mark under any
other session, and nothing when that session ends.
"""

import hashlib
import uuid

MARK_CHARS = 22


def page_mark(session_id: uuid.UUID, key: str) -> str:
    """What tells a page from the others of its person.

    Args:
        session_id: of the sign-in by which the connection was let in.
        key: the page's secret.

    Returns:
        Hexadecimal, `MARK_CHARS` digits.
    """
    return hashlib.sha256(f"carebag page\n{session_id}\n{key}".encode()).hexdigest()[:MARK_CHARS]
