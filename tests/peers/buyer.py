"""A buyer of another make, against running services: it enrols itself, meets the merchant, gets a
quote, orders, and waits until its order is settled; everything after docs/protocol.md.

Usage: buyer.py FILE, which says whom to meet, who the buyer is, and what it wants. Prints what it was
told, and how its attempts at cheating were answered.
"""
import hashlib
import json
import os
import pathlib
import sys
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keydist import Share
from meeting import Meeting, Problem, http, route_in_order
from order import write_order
from warifu import (b64, compact, decapsulate, decrypt, digest, export_key, hkdf, identity,
                    part_header, refuse, sign, unb64, verify, xwing_public)

PATIENCE = 60


class Holder:
    """A holder's keys, credential and share."""

    def __init__(self, identifier, center_url, fingerprint):
        self.identifier, self.center_url = identifier, center_url
        raw = serialization.Encoding.Raw
        private = Ed25519PrivateKey.generate()
        secret = private.private_bytes(raw, serialization.PrivateFormat.Raw,
                                       serialization.NoEncryption())
        public = private.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        self.key = {"kty": "OKP", "crv": "Ed25519", "x": b64(public), "d": b64(secret)}
        self.seed = os.urandom(32)
        self.enrol(fingerprint)

    def enrol(self, fingerprint):
        public = xwing_public(self.seed)
        kid = b64(hashlib.sha256(public).digest()[:9])
        request = sign("warifu-enrolment-request+jwt", {
            "sub": self.identifier,
            "roles": ["holder"],
            "key": self.key["x"],
            "hpke": [{"kid": kid, "kem": "X-Wing-10", "key": b64(public)}],
            "suites": ["kps+hpke", "kps"],
            "iat": int(time.time()),
        }, self.key)
        answer = http(f"{self.center_url}/v1/enrol", request)
        self.pin(answer["anchors"], fingerprint)
        self.credential = answer["credential"]
        mine = self.verify_credential(self.credential, "holder")
        refuse((mine["sub"], mine["key"]) != (self.identifier, self.key["x"]), "somebody else's")
        self.take_shares(answer["shares"], kid)

    def pin(self, anchors, fingerprint):
        self.network, self.centers = anchors["network"], anchors["centers"]
        named = [self.network, [[center["center"], center["key"]] for center in self.centers]]
        found = hashlib.sha256(compact(named)).hexdigest()[:40]
        refuse(found != fingerprint.replace(" ", ""), "another network")

    def take_shares(self, token, kid):
        header = part_header(token)
        refuse((header["typ"], header["to"], header["kid"])
               != ("warifu-shares+jwe", self.identifier, kid), "shares for somebody else")
        exported = export_key(decapsulate(self.seed, unb64(header["ek"])), b"", b"warifu-shares+jwe")
        lines = decrypt(token, hkdf(exported, b"warifu/1 shares")).decode().splitlines()
        [self.share] = [Share(line) for line in lines]
        refuse(self.share.owner != self.identifier, "somebody else's share")

    def verify_credential(self, token, role):
        [center] = self.centers
        key = {"kty": "OKP", "crv": "Ed25519", "x": center["key"]}
        claims = verify(token, "warifu-credential+jwt", key)
        now = time.time()
        refuse(claims["network"] != self.network or claims["iss"] != center["center"], "network")
        refuse(not claims["iat"] <= now + 120 or claims["exp"] <= now, "times")
        refuse(role not in claims["roles"], "role")
        return claims

    def route(self, service):
        group = service["class"]["service"]["group"]
        return route_in_order({"predistributed": {"epochs": service["epochs"], "matrix": f"h{group}"}})

    def pair_key(self, peer):
        return self.share.pair_key(peer)

    def find(self, identifier, role):
        query = identifier.replace(":", "%3A")
        token = http(f"{self.center_url}/v1/directory?identifier={query}")["credential"]
        claims = self.verify_credential(token, role)
        refuse(claims["sub"] != identifier, "another party")
        return claims


def public_key(credential):
    return {"kty": "OKP", "crv": "Ed25519", "x": credential["key"]}


def answered(attempt):
    """What an attempt is answered."""
    try:
        attempt()
    except Problem as problem:
        return [problem.code, problem.field]
    return None


def cheat(holder, wanted):
    """A proof without the key, a message that was altered on its way, and one that comes twice."""
    url = wanted["merchant"]
    spoilt = answered(lambda: Meeting(holder, url, "merchant").confirm(spoil=True))
    session = Meeting(holder, url, "merchant").confirm()
    question = {"op": "status", "body": {"order": b64(bytes(32))}}
    message = session.sealed(0, question)
    head, tail = message[:-1], message[-1]
    altered = answered(lambda: session.send(head + ("A" if tail != "A" else "Q"), 0))
    unknown = answered(lambda: session.send(message, 0))
    twice = answered(lambda: session.send(message, 0))
    return {"spoilt": spoilt, "altered": altered, "unknown": unknown, "twice": twice}


def seal(holder, form, quote, parties, wanted):
    """The sealed order."""
    lines = quote["claims"]["lines"]
    values = wanted["values"] | {
        "item_numbers": [line["number"] for line in lines],
        "items": [{"name": line["name"], "quantity": line["quantity"]} for line in lines],
        "amount": quote["claims"]["total"],
        "payment_type": "one",
        "quote": digest(quote["token"]),
    }
    [route] = {json.dumps(holder.route(party)) for party in parties.values()}
    given = {
        "network": holder.network,
        "rule": form["claims"]["rule"],
        "parties": {role: party["sub"] for role, party in parties.items()}
        | {"holder": holder.identifier},
        "private": {"holder": holder.key},
        "pairs": {role: b64(holder.pair_key(party["sub"])) for role, party in parties.items()},
        "hpke": {role: party["hpke"][0] for role, party in parties.items()},
        "route": json.loads(route)["predistributed"],
    }
    order, parts = write_order(given, "kps+hpke", form["token"], values, int(time.time()))
    return {"holder": holder.identifier, "order": order, "credential": holder.credential,
            "form": form["token"], "parts": parts}


def buy(holder, wanted):
    answer = http(f"{wanted['merchant']}/v1/form?rule=minimal")
    merchant = holder.verify_credential(answer["credential"], "merchant")
    form = {"token": answer["form"],
            "claims": verify(answer["form"], "warifu-form+jwt", public_key(merchant))}
    session = Meeting(holder, wanted["merchant"], "merchant", digest(answer["form"])).confirm()
    token = session.ask("quote", {"items": wanted["items"], "currency": "JPY", "language": "ja",
                                  "form": digest(answer["form"])})["quote"]
    quote = {"token": token, "claims": verify(token, "warifu-quote+jwt", public_key(merchant))}
    carrier = holder.verify_credential(answer["credentials"]["carrier"], "carrier")
    issuer = holder.find(wanted["issuer"], "issuer")
    parties = {"merchant": merchant, "issuer": issuer, "carrier": carrier}
    sealed = seal(holder, form, quote, parties, wanted)
    jti = json.loads(unb64(sealed["order"].split(".")[1]))["jti"]
    status = session.ask("order", {"sealed": sealed, "quote": token})["status"]
    started = time.time()
    while True:
        claims = verify(status, "warifu-status+jwt", public_key(merchant))
        refuse(claims["order"] != identity(sealed["order"]), "the status of another order")
        if claims["state"] in ("settled", "refused") or time.time() - started > PATIENCE:
            return {"total": quote["claims"]["total"], "order": jti, "state": claims["state"]}
        time.sleep(0.05)
        status = session.ask("status", {"order": jti})["status"]


def main():
    wanted = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
    holder = Holder(wanted["identifier"], wanted["center"], wanted["fingerprint"])
    json.dump({"cheating": cheat(holder, wanted), "bought": buy(holder, wanted)}, sys.stdout)


main()
