"""What can go wrong on the kit.

KitError
 ├─ Refused       what the nurse asked for cannot be done now; a code for her page
 ├─ HubAway       the hub cannot be reached
 │   └─ HubSlow   it is there, and the answer did not come in time
 ├─ HubRefused    the hub answered no; its status and code
 ├─ NotSaved      the journal could not be written (disk full, disk broken); the value waits in memory
 ├─ NotDurable    what the bag's sink answers then: the instrument must not be told that its value arrived
 └─ WrongJournal  the data folder belongs to another kit, or to a newer program
"""


class KitError(Exception):
    """Everything the kit raises itself. Never holds patient data."""


class Refused(KitError):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class HubAway(KitError):
    """No connection, no answer in time, or an answer from something that is not the hub."""


class HubSlow(HubAway):
    """Connected, and no answer in time: perhaps what was sent is too much for this link."""


class HubRefused(KitError):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


class NotSaved(KitError):
    """Tried again until it succeeds; until then the value is not shown as saved."""


class NotDurable(KitError):
    """A value is not on the disk. The driver acknowledges nothing and lets the instrument say it again; the repeat is
    recognised as the same measurement."""


class WrongJournal(KitError):
    """Opening it would mix the records of two kits, or lose what a newer program wrote."""


class NoRoomToEncrypt(WrongJournal):
    """An unencrypted journal lies there and the disk took no encrypted copy of it; nothing was changed."""
