"""Writes what Warifu is to accept. Usage: write.py DIR, which holds warifu.json.

Prints, for each suite, a form, a quote, a sealed order with the holder's credential, and what the
other parties say of it.
"""
import json
import os
import pathlib
import sys

from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer

from warifu import (b64, derivation_info, digest, encapsulate, encrypt, envelope, export_key, identity,
                    sign, unb64, working_key)


def nonce():
    return b64(os.urandom(32))


def write_form(given, now):
    rule = given["rule"]
    designated = {role: {"holder": {}} for role in rule["parts"] if role != rule["front"]}
    designated["carrier"] = {"identifier": given["parties"]["carrier"]}
    claims = {
        "iss": given["parties"]["merchant"],
        "network": given["network"],
        "jti": nonce(),
        "rule": rule,
        "parties": designated,
        "accepts": {"currencies": ["JPY"], "instalments": 1, "issuers": [], "suites": given["suites"]},
        "direct": False,
        "iat": now,
        "exp": now + 3600,
    }
    return sign("warifu-form+jwt", claims, given["private"]["merchant"])


def write_quote(given, form, now):
    line = {
        "number": given["values"]["item_numbers"][0],
        "name": given["values"]["items"][0]["name"],
        "quantity": given["values"]["items"][0]["quantity"],
        "unit_price": {"minor": 990, "currency": "JPY"},
    }
    claims = {
        "iss": given["parties"]["merchant"],
        "jti": nonce(),
        "form": digest(form),
        "lines": [line],
        "total": given["values"]["amount"],
        "iat": now,
        "exp": now + 600,
    }
    return sign("warifu-quote+jwt", claims, given["private"]["merchant"])


def write_credential(given, now):
    claims = {
        "iss": given["parties"]["center"],
        "network": given["network"],
        "sub": given["parties"]["holder"],
        "class": {"holder": {}},
        "roles": ["holder"],
        "key": given["private"]["holder"]["x"],
        "hpke": [],
        "suites": ["kps"],
        "epochs": given["route"]["epochs"],
        "iat": now - 60,
        "exp": now + 86400,
    }
    return sign("warifu-credential+jwt", claims, given["private"]["center"])


def write_part(given, suite, role, order, form, disclosures):
    header = {
        "alg": "dir",
        "enc": "A256GCM",
        "typ": "warifu-part+jwe",
        "network": given["network"],
        "order": order,
        "from": given["parties"]["holder"],
        "to": given["parties"][role],
        "role": role,
        "form": form,
        "suite": suite,
        "keys": {"predistributed": given["route"]},
    }
    pair = unb64(given["pairs"][role])
    if suite == "kps":
        key = working_key(pair, "part", header)
    else:
        shared, encapsulated = encapsulate(unb64(given["hpke"][role]["key"]))
        header |= {"kid": given["hpke"][role]["kid"], "ek": b64(encapsulated)}
        psk = working_key(pair, "part_psk", header)
        key = export_key(shared, psk, derivation_info("part", header))
    return encrypt(header, key, envelope(disclosures))


class Order(SDJWTIssuer):
    """The reference library makes disclosures and digests; the parts' hashes come in before it
    signs."""

    def __init__(self, given, suite, claims, values):
        self.given, self.suite, self.values, self.parts = given, suite, values, {}
        claims |= {"fields": {field: [SDObj(value)] for field, value in values.items()}}
        super().__init__(
            claims,
            JWK(**given["private"]["holder"]),
            sign_alg="EdDSA",
            extra_header_parameters={"typ": "warifu-order+sd-jwt"},
        )

    def _assemble_sd_jwt_payload(self):
        super()._assemble_sd_jwt_payload()
        payload = self.sd_jwt_payload
        made = {field: found.b64 for field, found in zip(self.values, self.ii_disclosures)}
        for role, fields in self.given["rule"]["parts"].items():
            mine = [made[field] for field in fields]
            self.parts[role] = write_part(
                self.given, self.suite, role, payload["jti"], payload["form"], mine)
        payload["parts"] = {role: digest(part) for role, part in self.parts.items()}


def write_answers(given, order, now):
    """What issuer, carrier and merchant then say of the order."""
    parties, private = given["parties"], given["private"]

    def say(typ, by, to, claims):
        claims |= {"iss": parties[by], "aud": parties[to], "order": order, "iat": now}
        return sign(f"warifu-{typ}+jwt", claims, private[by])

    yes = {"jti": nonce(), "decision": "authorized", "exp": now + 86400}
    return {
        "authorization": say("authorization", "issuer", "merchant", yes),
        "delivery": say("delivery", "carrier", "merchant", {"state": "accepted"}),
        "settlement": say("settlement", "issuer", "merchant", {"action": "capture"}),
        "status": say("status", "merchant", "holder", {"state": "dispatched"}),
    }


def write_suite(given, suite):
    now = given["now"]
    form = write_form(given, now)
    quote = write_quote(given, form, now)
    credential = write_credential(given, now)
    wanted = {field for fields in given["rule"]["parts"].values() for field in fields}
    values = given["values"] | {"quote": digest(quote)}
    values = {field: value for field, value in values.items() if field in wanted}
    claims = {
        "iss": given["parties"]["holder"],
        "network": given["network"],
        "jti": nonce(),
        "form": digest(form),
        "parties": {role: given["parties"][role] for role in given["rule"]["parts"]},
        "iat": now,
        "exp": now + 900,
    }
    order = Order(given, suite, claims, values)
    bundle = {
        "holder": given["parties"]["holder"],
        "order": order.serialized_sd_jwt,
        "credential": credential,
        "form": form,
        "parts": order.parts,
    }
    order = identity(bundle["order"])
    return {"form": form, "quote": quote, "credential": credential, "bundle": bundle,
            **write_answers(given, order, now)}


def main():
    given = json.loads(pathlib.Path(sys.argv[1], "warifu.json").read_text("utf-8"))["writer"]
    json.dump({suite: write_suite(given, suite) for suite in given["suites"]}, sys.stdout)


main()
