"""A sealed order, as a second implementation writes it after docs/protocol.md, sections 13 to 15."""
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer

from warifu import (b64, derivation_info, digest, encapsulate, encrypt, envelope, export_key, nonce,
                    unb64, working_key)


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


def write_order(given, suite, form, values, now):
    """Order and parts, for a form that is given as its token."""
    wanted = {field for fields in given["rule"]["parts"].values() for field in fields}
    claims = {
        "iss": given["parties"]["holder"],
        "network": given["network"],
        "jti": nonce(),
        "form": digest(form),
        "parties": {role: given["parties"][role] for role in given["rule"]["parts"]},
        "iat": now,
        "exp": now + 900,
    }
    wanted = {field: value for field, value in values.items() if field in wanted}
    order = Order(given, suite, claims, wanted)
    return order.serialized_sd_jwt, order.parts
