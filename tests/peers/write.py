"""Writes what Warifu is to accept. Usage: write.py DIR, which holds warifu.json.

Prints, for each suite, a form, a quote, a sealed order with the holder's credential, and what the
other parties say of it.
"""
import json
import pathlib
import sys

from order import write_order
from warifu import digest, identity, nonce, sign


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
    values = given["values"] | {"quote": digest(quote)}
    order, parts = write_order(given, suite, form, values, now)
    bundle = {
        "holder": given["parties"]["holder"],
        "order": order,
        "credential": credential,
        "form": form,
        "parts": parts,
    }
    order = identity(bundle["order"])
    return {"form": form, "quote": quote, "credential": credential, "bundle": bundle,
            **write_answers(given, order, now)}


def main():
    given = json.loads(pathlib.Path(sys.argv[1], "warifu.json").read_text("utf-8"))["writer"]
    json.dump({suite: write_suite(given, suite) for suite in given["suites"]}, sys.stdout)


main()
