#!/usr/bin/env python3
"""Makes keydist.json: a second implementation of key predistribution, for the first to agree with.

It follows the documentation of the crate (Points, CenterMatrices, Share::to_file) and shares no
code with it. Standard library only; slow, and not constant time: for test vectors alone.
Usage: python3 keydist.py > keydist.json
"""
import base64
import hashlib
import hmac
import json
import struct

KINDS = {"name": 1, "address": 2, "mail": 3, "domain": 4}


def part(data):
    return struct.pack(">I", len(data)) + data


def canonical(identifier):
    out = b""
    for piece in identifier.split("|"):
        kind, value = piece.split(":", 1)
        out += bytes([KINDS[kind]]) + part(value.encode())
    return out


# The field: bit i of the little-endian number is the coefficient of x^i (RFC 8452, section 3).
MODULUS = (1 << 128) | (1 << 127) | (1 << 126) | (1 << 121) | 1


def dot(a, b):
    """a * b * x^-128 in the field: one step for each bit of a, each with a division by x."""
    product = 0
    for bit in range(128):
        if a >> bit & 1:
            product ^= b
        if product & 1:
            product ^= MODULUS
        product >>= 1
    return product


def polyval(key, blocks):
    total = 0
    for block in blocks:
        total = dot(total ^ block, key)
    return total


def hkdf(seed, info):
    extracted = hmac.digest(bytes(32), seed, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def rotate(word, bits):
    return ((word << bits) | (word >> (32 - bits))) & 0xFFFFFFFF


def chacha20_block(key, counter):
    start = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key))
    start += [counter, 0, 0, 0]
    state = list(start)

    def quarter(a, b, c, d):
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            state[z] = rotate(state[z] ^ state[x], bits)

    for _ in range(10):
        for n in range(4):
            quarter(n, 4 + n, 8 + n, 12 + n)
        for n in range(4):
            quarter(n, 4 + (n + 1) % 4, 8 + (n + 2) % 4, 12 + (n + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(state, start)))


def keystream_blocks(key, count):
    stream = b"".join(chacha20_block(key, n) for n in range((count + 3) // 4))
    return [int.from_bytes(stream[16 * n:16 * n + 16], "little") for n in range(count)]


def points(network, epoch, who):
    found = []
    for instance in (0, 1):
        counter, point = 0, bytes(16)
        while point == bytes(16):
            text = part(b"warifu-keydist/1 point") + part(network.encode())
            text += struct.pack(">IBI", epoch, instance, counter) + canonical(who)
            point = hashlib.sha256(text).digest()[:16]
            counter += 1
        found.append(point)
    return found


class Center:
    def __init__(self, seed, network, center, epoch, holders, services):
        self.seed, self.network, self.center, self.epoch = seed, network, center, epoch
        self.holders, self.services = holders, services
        self.kept = {}

    def size(self, matrix):
        return (self.holders if matrix[0] == "h" else self.services), self.services

    def stream(self, matrix, instance):
        if (matrix, instance) not in self.kept:
            rows, columns = self.size(matrix)
            info = part(b"warifu-keydist/1 matrix") + part(self.network.encode())
            info += part(canonical(self.center)) + struct.pack(">I", self.epoch)
            info += part(matrix.encode()) + struct.pack(">IIB", rows, columns, instance)
            blocks = keystream_blocks(hkdf(self.seed, info), rows * columns)
            self.kept[matrix, instance] = blocks
        return self.kept[matrix, instance]

    def coefficients(self, matrix, side, who):
        rows, columns = self.size(matrix)
        square = matrix[0] == "s" and len(set(matrix[1:].split("-"))) == 1
        both = []
        for instance, point in enumerate(points(self.network, self.epoch, who)):
            blocks = self.stream(matrix, instance)

            def at(p, q):
                return blocks[max(p, q) * rows + min(p, q)] if square else blocks[q * rows + p]

            point = int.from_bytes(point, "little")
            if side == "rows":
                values = [polyval(point, [at(p, q) for p in range(rows)]) for q in range(columns)]
            else:
                values = [polyval(point, [at(p, q) for q in range(columns)]) for p in range(rows)]
            both.append(b"".join(value.to_bytes(16, "little") for value in values))
        return both

    def share_file(self, matrix, side, who):
        encoded = [
            base64.urlsafe_b64encode(half).decode().rstrip("=")
            for half in self.coefficients(matrix, side, who)
        ]
        return json.dumps(
            {
                "format": "warifu-share/1",
                "network": self.network,
                "epochs": [{"center": self.center, "epoch": self.epoch}],
                "matrix": matrix,
                "side": side,
                "thresholds": {"holders": self.holders, "services": self.services},
                "owner": who,
                "coefficients": encoded,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    def key(self, matrix, side, who, peer):
        halves = zip(self.coefficients(matrix, side, who), points(self.network, self.epoch, peer))
        return b"".join(
            polyval(
                int.from_bytes(point, "little"),
                [int.from_bytes(half[n:n + 16], "little") for n in range(0, len(half), 16)],
            ).to_bytes(16, "little")
            for half, point in halves
        )


HANAKO = "mail:hanako@example.jp"
TARO = "name:山田 太郎|address:東京都港区芝1-2-3"
SHOP = "domain:shop.example"
SHOTENGAI = "name:割符商店街|domain:xn--wgv71a.jp"
CENTER = "domain:center.example"
SECOND = "name:第二センター"


def case(name, center, matrix, side, owner, peers, whole):
    """One share, and its keys with some peers; `whole` false: only the file's hash."""
    text = center.share_file(matrix, side, owner)
    answer = {
        "name": name,
        "seed": center.seed.hex(),
        "network": center.network,
        "center": {"center": center.center, "epoch": center.epoch},
        "thresholds": {"holders": center.holders, "services": center.services},
        "matrix": matrix,
        "side": side,
        "owner": owner,
    }
    if whole:
        answer["file"] = text
    answer["file_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    answer["keys"] = [
        {"peer": peer, "key": center.key(matrix, side, owner, peer).hex()} for peer in peers
    ]
    return answer


def main():
    # This program's own footing: RFC 8452, appendix A, and RFC 8439, appendix A.1, vector 1.
    h = int.from_bytes(bytes.fromhex("25629347589242761d31f826ba4b757b"), "little")
    x = [
        int.from_bytes(bytes.fromhex(text), "little")
        for text in ("4f4f95668c83dfb6401762bb2d01a262", "d1a24ddd2721d006bbe45f20d3c9f362")
    ]
    assert polyval(h, x).to_bytes(16, "little").hex() == "f7a3b47b846119fae5b7866cf5e5b77e"
    assert chacha20_block(bytes(32), 0).hex().startswith("76b8e0ada0f13d90405d6ae55386bd28")

    small = Center(bytes(range(32)), "town", CENTER, 1, 5, 4)
    second = Center(bytes([0xA5] * 32), "town", SECOND, 1, 5, 4)
    later = Center(bytes(range(32)), "商店街", CENTER, 4294967295, 5, 4)
    # Longer than one tile in each direction: 1,100 > 1,024 > 128, and a square of 130 > 128.
    long = Center(bytes([0x42] * 32), "town", CENTER, 2, 1100, 3)
    wide = Center(bytes([0x43] * 32), "town", CENTER, 2, 2, 130)
    cases = [
        case("holder", small, "h3", "rows", HANAKO, [SHOP, SHOTENGAI], True),
        case("holder_japanese", small, "h3", "rows", TARO, [SHOP, SHOTENGAI], True),
        case("service", small, "h3", "columns", SHOP, [HANAKO, TARO], True),
        case("service_japanese", small, "h3", "columns", SHOTENGAI, [HANAKO, TARO], True),
        case("services_low", small, "s0-2", "rows", SHOP, [SHOTENGAI], True),
        case("services_high", small, "s0-2", "columns", SHOTENGAI, [SHOP], True),
        case("square", small, "s2-2", "rows", SHOP, [SHOTENGAI, SHOP], True),
        case("square_peer", small, "s2-2", "rows", SHOTENGAI, [SHOP], True),
        case("second_center", second, "h3", "rows", HANAKO, [SHOP, SHOTENGAI], True),
        case("last_epoch_japanese_network", later, "h4294967295", "rows", TARO, [SHOP], True),
        case("long_holder", long, "h0", "rows", HANAKO, [SHOP], False),
        case("long_service", long, "h0", "columns", SHOP, [HANAKO], False),
        case("wide_square", wide, "s1-1", "rows", SHOP, [SHOTENGAI], False),
        case("wide_cross", wide, "s1-9", "columns", SHOP, [SHOTENGAI], False),
    ]
    hashed = [
        {
            "network": network,
            "epoch": epoch,
            "identifier": who,
            "points": [point.hex() for point in points(network, epoch, who)],
        }
        for network, epoch, who in [
            ("town", 1, HANAKO),
            ("town", 1, TARO),
            ("town", 2, TARO),
            ("商店街", 1, TARO),
            ("", 0, "name:a|address:b|mail:c@d.example|domain:e.example"),
        ]
    ]
    # Two centers: the keys add (row D6).
    names = ["holder", "second_center"]
    keys = [bytes.fromhex(c["keys"][0]["key"]) for c in cases if c["name"] in names]
    both = {
        "cases": names,
        "peer": SHOP,
        "key": bytes(a ^ b for a, b in zip(*keys)).hex(),
    }
    document = {"format": "warifu-keydist-vectors/1", "points": hashed, "shares": cases, "sum": both}
    print(json.dumps(document, ensure_ascii=False, indent=1))


main()
