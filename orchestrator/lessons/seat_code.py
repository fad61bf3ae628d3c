"""The code of a seat: one short text from which a learner's own machine has the seat, its seed and its secret.

`monday-seat03-` and six groups of four letters and digits (Crockford's base 32): 20 bits of the seed, 90 of the
secret, and 10 that are wrong after almost every slip of the pen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from orchestrator.errors import UsageInvalid
from orchestrator.model.secret import Secret

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("OIL", "011")
SECRET_BITS, CHECK_BITS = 90, 10
GROUPS, GROUP = 6, 4
FORM = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,29}[a-z0-9])?)-(seat[0-9]{2})-((?:[a-z0-9]{4}-?){6})", re.IGNORECASE)


@dataclass(frozen=True)
class SeatCode:
    """A seat of a class as its learner gets it. The secret is a number of 90 bits, as text."""

    class_name: str
    seat: str
    seed: int
    secret: Secret

    @property
    def seat_name(self) -> str:
        """The seat with its class, which no seat of another class has."""
        return f"{self.class_name}-{self.seat}"

    @property
    def text(self) -> str:
        """What the learner types."""
        number = (self.seed << SECRET_BITS) | int(self.secret.reveal())
        number = (number << CHECK_BITS) | _check_bits(self)
        letters = "".join(ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(GROUPS * GROUP)))
        groups = (letters[at : at + GROUP] for at in range(0, len(letters), GROUP))
        return "-".join((self.seat_name, *groups))


def parse_seat_code(text: str) -> SeatCode:
    """The seat that a code means, in small or large letters. Raises UsageInvalid where it is none, or mistyped."""
    match = FORM.fullmatch("".join(text.split()))
    if match is None or any(letter not in ALPHABET for letter in _letters(match[3])):
        why = "it is like monday-seat03- and six groups of four letters and digits"
        raise UsageInvalid("that is no code of a seat", why=why, hint="copy it as your teacher gave it")
    number = 0
    for letter in _letters(match[3]):
        number = number << 5 | ALPHABET.index(letter)
    number, check = number >> CHECK_BITS, number & (1 << CHECK_BITS) - 1
    secret = Secret(str(number & (1 << SECRET_BITS) - 1))
    code = SeatCode(match[1].lower(), match[2].lower(), number >> SECRET_BITS, secret)
    if _check_bits(code) != check:
        why = "its last letters do not fit to the others"
        raise UsageInvalid("the code of the seat is mistyped", why=why, hint="copy it as your teacher gave it")
    return code


def without_secret(word: str) -> str:
    """A word of a command line as it may be kept: of the code of a seat, the seat alone."""
    return FORM.sub(lambda match: f"{match[1]}-{match[2]}-***", word)


def _letters(groups: str) -> str:
    return groups.replace("-", "").upper().translate(READ_AS)


def _check_bits(code: SeatCode) -> int:
    words = f"{code.class_name} {code.seat} {code.seed} {code.secret.reveal()}"
    return int.from_bytes(sha256(words.encode()).digest()[:2], "big") >> 16 - CHECK_BITS
