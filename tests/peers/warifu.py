"""What a second implementation of Warifu needs beside the libraries, after docs/protocol.md.

Signatures, JWE and SD-JWT come from joserfc and sd-jwt, the primitives from cryptography and
hashlib. No code is shared with the Rust side.
"""
import base64
import hashlib
import hmac
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe, jws
from joserfc.jwk import OctKey, OKPKey

PURPOSES = {"part": 1, "part_psk": 2}


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def identity(order):
    """The hash of an order's signing input."""
    return digest(order.rsplit(".", 1)[0])


def digest(text):
    return b64(hashlib.sha256(text.encode()).digest())


def nonce():
    return b64(os.urandom(32))


def compact(value):
    """The compact form of JSON, where both sides hash it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def refuse(condition, text):
    if condition:
        raise ValueError(text)


# Signed messages

def sign(typ, claims, key):
    payload = json.dumps(claims, ensure_ascii=False)
    header = {"alg": "EdDSA", "typ": typ}
    return jws.serialize_compact(header, payload, OKPKey.import_key(key), algorithms=["EdDSA"])


def verify(token, typ, key):
    read = jws.deserialize_compact(token, OKPKey.import_key(key), algorithms=["EdDSA"])
    refuse(read.headers() != {"alg": "EdDSA", "typ": typ}, "header")
    return json.loads(read.payload)


# Working keys

def item(data):
    return struct.pack(">H", len(data)) + data


def working_info(purpose, network, keys, suite, sender, recipient, about):
    """The `info` of a working key and of HPKE; sender and recipient are each with their role."""
    info = item(b"warifu/1") + item(bytes([purpose])) + item(network.encode())
    if isinstance(keys, dict):
        route = keys["predistributed"]
        info += item(b"predistributed") + item(route["matrix"].encode())
        info += item(struct.pack(">H", len(route["epochs"])))
        for epoch in route["epochs"]:
            info += item(epoch["center"].encode()) + item(struct.pack(">I", epoch["epoch"]))
    else:
        info += item(keys.encode())
    info += item(suite.encode())
    for who, role in (sender, recipient):
        info += item(who.encode()) + item(role.encode())
    return info + item(about)


def derivation_info(purpose, header):
    """The `info` of HKDF and HPKE for a part with this protected header."""
    return working_info(PURPOSES[purpose], header["network"], header["keys"], header["suite"],
                        (header["from"], "holder"), (header["to"], header["role"]),
                        unb64(header["order"]))


def hkdf(key, info):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(key)


def working_key(pair, purpose, header):
    return hkdf(pair, derivation_info(purpose, header))


# HPKE (RFC 9180) in PSK mode, X-Wing, HKDF-SHA-256, export only

KEM_ID, KDF_ID, EXPORT_ONLY = 0x647A, 0x0001, 0xFFFF
SUITE_ID = b"HPKE" + struct.pack(">HHH", KEM_ID, KDF_ID, EXPORT_ONLY)


def extract(salt, label, ikm):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + SUITE_ID + label + ikm, "sha256")


def expand(secret, label, info, length):
    text = struct.pack(">H", length) + b"HPKE-v1" + SUITE_ID + label + info
    return hmac.digest(secret, text + b"\x01", "sha256")[:length]


def export_key(shared, psk, info):
    """In PSK mode, or in Base mode where there is no PSK."""
    psk_id = extract(b"", b"psk_id_hash", b"warifu/1 pair" if psk else b"")
    mode = b"\x01" if psk else b"\x00"
    context = mode + psk_id + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", psk)
    exporter = expand(secret, b"exp", context, 32)
    return expand(exporter, b"sec", b"warifu/1 content key", 32)


def combine(mlkem, x25519, x_ciphertext, x_public):
    return hashlib.sha3_256(mlkem + x25519 + x_ciphertext + x_public + b"\\.//^\\").digest()


def xwing_private(seed):
    """A party's 32-byte seed as the two private keys: DeriveKeyPair of the HPKE document."""
    suite = b"KEM" + struct.pack(">H", KEM_ID)
    label = struct.pack(">H", 13) + b"DeriveKeyPair"
    text = seed + b"HPKE-v1" + suite + label + struct.pack(">H", 32)
    secret = hashlib.shake_256(hashlib.shake_256(text).digest(32)).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(secret[:64]),
        X25519PrivateKey.from_private_bytes(secret[64:]),
    )


def xwing_public(seed):
    mlkem, x25519 = xwing_private(seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def decapsulate(seed, encapsulated):
    mlkem, x25519 = xwing_private(seed)
    first, second = encapsulated[:1088], encapsulated[1088:]
    shared = x25519.exchange(X25519PublicKey.from_public_bytes(second))
    public = x25519.public_key().public_bytes_raw()
    return combine(mlkem.decapsulate(first), shared, second, public)


def encapsulate(public):
    shared, first = MLKEM768PublicKey.from_public_bytes(public[:1184]).encapsulate()
    ephemeral, peer = X25519PrivateKey.generate(), public[1184:]
    second = ephemeral.public_key().public_bytes_raw()
    agreed = ephemeral.exchange(X25519PublicKey.from_public_bytes(peer))
    return combine(shared, agreed, second, peer), first + second


# Parts

REGISTRY = jwe.JWERegistry(strict_check_header=False, algorithms=["dir", "A256GCM"])
# The library's default is 1,024 bytes, and an encapsulated key alone has 1,494 characters.
REGISTRY.max_protected_header_length = 16 * 1024


def part_header(token):
    return json.loads(unb64(token.split(".")[0]))


def content_key(pair, header, hpke_seed):
    if header["suite"] == "kps":
        return working_key(pair, "part", header)
    psk = working_key(pair, "part_psk", header)
    shared = decapsulate(hpke_seed, unb64(header["ek"]))
    return export_key(shared, psk, derivation_info("part", header))


def decrypt(token, key):
    return jwe.decrypt_compact(token, OctKey.import_key(key), registry=REGISTRY).plaintext


def encrypt(header, key, plaintext):
    return jwe.encrypt_compact(header, plaintext, OctKey.import_key(key), registry=REGISTRY)


# Telegram sessions

def telegram_root(opening, hpke_seed):
    items = ["warifu/1 telegram session", opening["network"], opening["center"]]
    info = b"".join(item(text.encode()) for text in items)
    return export_key(decapsulate(hpke_seed, unb64(opening["ek"])), b"", info)


def session_key(root, whole, side):
    return hkdf(root, f"warifu/1 session {side}".encode() + whole)


def telegram_whole(opening, opened):
    """The hash of both messages in the compact form, with the fields in the order of the page."""
    both = [{name: opening[name] for name in ("network", "center", "kid", "ek")},
            {name: opened[name] for name in ("session", "nonce")}]
    return hashlib.sha256(compact(both)).digest()


def envelope(disclosures):
    bare = json.dumps({"disclosures": disclosures, "pad": ""}, separators=(",", ":"))
    padding = -len(bare) % 256
    return bare[:-2] + "0" * padding + '"}'
