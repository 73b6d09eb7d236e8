"""Every answer that is not a success is a `Refused`: a status and a code, never a sentence and never patient data."""


class Refused(Exception):
    """The request is refused.

    Args:
        status: HTTP status.
        code: for the pages' catalogue, `[a-z0-9_]`.
    """

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def not_found() -> Refused:
    """Not there, or not yours: the two look alike, so that nobody can ask which patients have visits."""
    return Refused(404, "not_found")


def changed_meanwhile() -> Refused:
    return Refused(409, "changed_meanwhile")
