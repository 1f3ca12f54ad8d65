"""Opens and verifies what Warifu wrote. Usage: open.py DIR, which holds warifu.json.

Prints, for each suite, the claims of every signed message, the fields of every part, and how many
altered versions were tried and which of them were accepted.
"""
import json
import pathlib
import sys

from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier

from warifu import (b64, content_key, decrypt, digest, part_header, refuse, session_key,
                    telegram_root, telegram_whole, unb64, verify, xwing_public)


def fields_of(order, disclosures, key):
    """The fields that the reference library shows for these disclosures."""
    presentation = "~".join([order, *disclosures, ""])
    verifier = SDJWTVerifier(presentation, lambda _issuer, _header: JWK(**key))
    fields = verifier.get_verified_payload()["fields"]
    shown = {field: value[0] for field, value in fields.items() if value}
    # RFC 9901: a disclosure that no digest names makes the whole invalid.
    refuse(len(shown) != len(disclosures), "a disclosure without its digest")
    return shown


def open_part(token, given, order, holder):
    claims = verify(order, "warifu-order+sd-jwt", holder)
    header = part_header(token)
    refuse(claims["parts"][header["role"]] != digest(token), "the part is another")
    refuse(claims["parties"][header["role"]] != header["to"], "the part is for another")
    refuse((claims["jti"], claims["form"]) != (header["order"], header["form"]), "another order")
    seed = unb64(given["hpke_seed"])
    if header["suite"] == "kps+hpke":
        refuse(b64(xwing_public(seed)) != given["hpke_public"], "the HPKE key is another")
    key = content_key(unb64(given["pair"]), header, seed)
    refuse(key != unb64(given["key"]), "the content key is another")
    plaintext = decrypt(token, key)
    refuse(len(plaintext) % 256 != 0, "padding")
    envelope = json.loads(plaintext)
    refuse(set(envelope) != {"disclosures", "pad"}, "envelope")
    return fields_of(order, envelope["disclosures"], holder), envelope["disclosures"]


def alterations(token):
    """The token with one character changed in the middle of each of its pieces."""
    pieces = token.split(".")
    for n, piece in enumerate(pieces):
        if piece:
            at = len(piece) // 2
            changed = piece[:at] + ("A" if piece[at] != "A" else "B") + piece[at + 1:]
            yield n, ".".join(pieces[:n] + [changed] + pieces[n + 1:])


class Altered:
    def __init__(self):
        self.tried, self.accepted = 0, []

    def must_fail(self, name, check):
        self.tried += 1
        try:
            check()
        except Exception:  # the libraries have many ways to say no
            return
        self.accepted.append(name)


def open_session(given):
    """The two messages of a telegram session: the terminal's, and the center's answer."""
    root = telegram_root(given["open"], unb64(given["hpke_seed"]))
    refuse(root != unb64(given["root"]), "the session's root is another")
    whole = telegram_whole(given["open"], given["opened"])
    said = []
    for side, name in (("initiator", "question"), ("responder", "answer")):
        header = part_header(given[name])
        refuse((header["typ"], header["sid"], header["seq"])
               != ("warifu-session+jwe", given["opened"]["session"], 0), "session header")
        said.append(json.loads(decrypt(given[name], session_key(root, whole, side))))
    return said


def open_suite(suite):
    keys, altered = suite["keys"], Altered()
    answer = {"claims": {}, "parts": {}}
    for message in suite["messages"]:
        name, token = message["name"], message["token"]
        key, typ = keys[message["signer"]], message["typ"]
        answer["claims"][name] = verify(token, typ, key)
        for n, other in alterations(token):
            altered.must_fail(f"{name}, piece {n}", lambda: verify(other, typ, key))
        altered.must_fail(f"{name}, typ", lambda: verify(token, "warifu-other+jwt", key))
        stranger = keys["carrier" if message["signer"] != "carrier" else "issuer"]
        altered.must_fail(f"{name}, signer", lambda: verify(token, typ, stranger))
    order, holder = suite["order"], keys["holder"]
    for role, given in suite["parts"].items():
        token = given["part"]
        fields, disclosures = open_part(token, given, order, holder)
        answer["parts"][role] = fields
        for n, other in alterations(token):
            altered.must_fail(f"{role}, hash, piece {n}",
                              lambda: open_part(other, given, order, holder))
            altered.must_fail(f"{role}, JWE, piece {n}",
                              lambda: decrypt(other, unb64(given["key"])))
        for n, disclosure in enumerate(disclosures):
            other = next(alterations(disclosure))[1]
            changed = disclosures[:n] + [other] + disclosures[n + 1:]
            altered.must_fail(f"{role}, disclosure {n}",
                              lambda: fields_of(order, changed, holder))
        for n, other in alterations(order):
            altered.must_fail(f"{role}, order, piece {n}",
                              lambda: fields_of(other, disclosures, holder))
    session = suite["telegram_session"]
    answer["telegram_session"] = open_session(session)
    for name in ("question", "answer"):
        for n, other in alterations(session[name]):
            altered.must_fail(f"session, {name}, piece {n}",
                              lambda: open_session(session | {name: other}))
    answer["altered"] = {"tried": altered.tried, "accepted": altered.accepted}
    return answer


def main():
    given = json.loads(pathlib.Path(sys.argv[1], "warifu.json").read_text("utf-8"))
    answer = {name: open_suite(suite) for name, suite in given["suites"].items()}
    json.dump(answer, sys.stdout)


main()
