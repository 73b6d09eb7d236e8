"""What an operator or an administrator asked for cannot be done."""


class NotPossible(Exception):
    """Nothing was changed. Never a patient's name or number.

    Args:
        text: says to the operator what to do.
        code: says the same to a page, which has the sentence in its catalogue.
    """

    def __init__(self, text: str, code: str = "not_possible") -> None:
        super().__init__(text)
        self.code = code
