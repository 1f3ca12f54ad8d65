"""Pair keys from shares, after docs/protocol.md, section 3: POLYVAL in plain Python, slow and short."""
import hashlib
import json
import struct

from warifu import refuse, unb64

# x^128 + x^127 + x^126 + x^121 + 1
MODULUS = 1 << 128 | 1 << 127 | 1 << 126 | 1 << 121 | 1
KINDS = {"name": 1, "address": 2, "mail": 3, "domain": 4}


def dot(a, b):
    """a · b · x^-128 (RFC 8452, section 3)."""
    product = 0
    for bit in range(128):
        if b >> bit & 1:
            product ^= a << bit
    for _ in range(128):
        if product & 1:
            product ^= MODULUS
        product >>= 1
    return product


def polyval(key, blocks):
    total = 0
    for block in blocks:
        total = dot(total ^ int.from_bytes(block, "little"), int.from_bytes(key, "little"))
    return total.to_bytes(16, "little")


def counted(data):
    return struct.pack(">I", len(data)) + data


def canonical_bytes(identifier):
    parts = [part.split(":", 1) for part in identifier.split("|")]
    return b"".join(bytes([KINDS[kind]]) + counted(value.encode()) for kind, value in parts)


def point(network, epoch, instance, identifier):
    for counter in range(2 ** 32):
        text = counted(b"warifu-keydist/1 point") + counted(network.encode())
        text += struct.pack(">IBI", epoch, instance, counter) + canonical_bytes(identifier)
        found = hashlib.sha256(text).digest()[:16]
        if any(found):
            return found


class Share:
    """A share file of one center."""

    def __init__(self, line):
        claims = json.loads(line)
        refuse(claims["format"] != "warifu-share/1" or len(claims["epochs"]) != 1, "share file")
        self.network, self.matrix, self.owner = claims["network"], claims["matrix"], claims["owner"]
        [self.epoch] = claims["epochs"]
        coefficients = [unb64(text) for text in claims["coefficients"]]
        self.blocks = [[text[at:at + 16] for at in range(0, len(text), 16)] for text in coefficients]

    def pair_key(self, peer):
        points = [point(self.network, self.epoch["epoch"], instance, peer) for instance in (0, 1)]
        return b"".join(polyval(at, blocks) for at, blocks in zip(points, self.blocks))
