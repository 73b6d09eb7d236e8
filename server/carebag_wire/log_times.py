"""How hub and kit write log lines: the moment in UTC (RFC 3339), so that lines of several machines can be laid together
whatever their time zones (ASVS 5.0 V16.2.2).
"""

import logging
from datetime import UTC, datetime


class UtcLines(logging.Formatter):
    """`2026-11-27T19:20:14.123Z INFO carebag.hub …`"""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (logging's name)
        at = datetime.fromtimestamp(record.created, UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def log_to_standard_error(level: int) -> None:
    """All loggers of this process, once."""
    handler = logging.StreamHandler()
    handler.setFormatter(UtcLines())
    logging.basicConfig(level=level, handlers=[handler])
