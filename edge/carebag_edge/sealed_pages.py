"""The pages of an encrypted journal, read without SQLite: which of them are as they were written. Pure.

SQLCipher 4 (www.zetetic.net/sqlcipher/design): each page of 4,096 bytes ends with a nonce of 16 and an HMAC-SHA-512 of
64 bytes over its ciphertext, the nonce and its number; AES-256-CBC; the file begins with a salt of 16 bytes, from which
with the key the key of the HMAC is derived.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

PAGE, SALT, NONCE, MAC = 4096, 16, 16, 64
USABLE = PAGE - NONCE - MAC
"""Bytes of a page that SQLite may use; the rest is reserved."""
MAGIC = b"SQLite format 3\x00"
MAC_SALT_MASK = 0x3A
MAC_ROUNDS = 2


@dataclass(frozen=True)
class Cipher4:
    """How the pages of one file are encrypted: a raw key, and the salt of the file."""

    key: bytes = field(repr=False)
    salt: bytes

    def is_true(self, number: int, page: bytes) -> bool:
        """Whether these 4,096 bytes were written as page `number`."""
        return hmac.compare_digest(self._mac(number).digest_of(_body(number, page)), page[-MAC:])

    def opened(self, number: int, page: bytes) -> bytes:
        """What SQLite would see of it, 4,096 bytes; of a page that is not true whatever the bytes give."""
        body = _body(number, page)
        turn = Cipher(AES(self.key), CBC(body[-NONCE:])).decryptor()
        plain = turn.update(body[:-NONCE]) + turn.finalize()
        return (MAGIC if number == 1 else b"") + plain + bytes(NONCE + MAC)

    def mended(self, number: int, page: bytes) -> bytes | None:
        """The page with the one bit turned back that makes it true; None: more than one is wrong.

        Some 33,000 HMACs, about a quarter of a second; that a wrong page becomes true is a chance of 2 ** -497.
        """
        body, mac = _body(number, page), page[-MAC:]
        keyed = self._mac(number)
        wanted = int.from_bytes(mac)
        if (int.from_bytes(keyed.digest_of(body)) ^ wanted).bit_count() == 1:
            return page[:-MAC] + keyed.digest_of(body)
        at = keyed.one_bit(body, mac)
        if at is None:
            return None
        whole = bytearray(page)
        whole[len(page) - MAC - len(body) + at // 8] ^= 1 << at % 8
        return bytes(whole)

    def _mac(self, number: int) -> "_PageMac":
        return _PageMac(_mac_key(self.key, self.salt), number)


class _PageMac:
    """HMAC-SHA-512 of a page with its number behind it, as SQLCipher counts: little-endian."""

    def __init__(self, key: bytes, number: int) -> None:
        self._keyed = hmac.new(key, digestmod=hashlib.sha512)
        self._number = struct.pack("<I", number)

    def digest_of(self, body: bytes) -> bytes:
        mac = self._keyed.copy()
        mac.update(body)
        mac.update(self._number)
        return mac.digest()

    def one_bit(self, body: bytes, wanted: bytes) -> int | None:
        """Which bit of `body`, turned, gives the wanted HMAC. What stands before it is hashed only once."""
        before = self._keyed.copy()
        for at, byte in enumerate(body):
            behind = body[at + 1 :] + self._number
            for bit in range(8):
                mac = before.copy()
                mac.update(bytes((byte ^ 1 << bit,)))
                mac.update(behind)
                if mac.digest() == wanted:
                    return at * 8 + bit
            before.update(body[at : at + 1])
        return None


def _mac_key(key: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", key, bytes(byte ^ MAC_SALT_MASK for byte in salt), MAC_ROUNDS, len(key))


def _body(number: int, page: bytes) -> bytes:
    """What the HMAC covers: ciphertext and nonce; the salt before page 1 is the file's."""
    return page[SALT if number == 1 else 0 : -MAC]
