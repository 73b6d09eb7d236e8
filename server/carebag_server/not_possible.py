"""What an operator asked for cannot be done."""


class NotPossible(Exception):
    """Nothing was changed; the text says to the operator what to do. Never a patient's name or number."""
