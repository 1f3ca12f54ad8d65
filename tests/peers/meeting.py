"""Meeting a service and asking it within the session, after docs/protocol.md, sections 22 to 24."""
import hashlib
import hmac
import json
import struct
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warifu import (b64, compact, encapsulate, export_key, hkdf, nonce, refuse, session_key, unb64,
                    working_info)

RESPONDER_PROOF, INITIATOR_PROOF, ROOT, ROOT_PSK = 3, 4, 5, 6


class Problem(Exception):
    """A problem that a service answers with, inside a session or outside."""

    def __init__(self, problem):
        super().__init__(f"{problem['code']} in {problem.get('field')}")
        self.code, self.field = problem["code"], problem.get("field")


def http(url, body=None):
    """A request; JSON goes and comes unless it is text."""
    if body is not None:
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return json.loads(text) if is_json else text
    except urllib.error.HTTPError as error:
        raise Problem(json.loads(error.read())) from None


def in_order(message, names):
    """The fields of a message in the order of the page, for hashing."""
    refuse(set(message) - set(names), "a field that the page does not list")
    return {name: message[name] for name in names if name in message}


def route_in_order(keys):
    route = keys["predistributed"]
    epochs = [in_order(epoch, ("center", "epoch")) for epoch in route["epochs"]]
    return {"predistributed": {"epochs": epochs, "matrix": route["matrix"]}}


class Meeting:
    """A holder's side of a meeting with one service."""

    def __init__(self, holder, url, role, form=None):
        self.holder, self.url = holder, url
        self.hello = {"network": holder.network, "credential": holder.credential, "role": "holder",
                      "to_role": role, "nonce": nonce()}
        if form:
            self.hello["form"] = form
        self.challenge = http(f"{url}/v1/meet/hello", self.hello)
        self.peer = holder.verify_credential(self.challenge["credential"], role)
        self.check_challenge()

    def check_challenge(self):
        proofless = self.challenge | {"keys": route_in_order(self.challenge["keys"]),
                                      "proof": "A" * 43}
        names = ("session", "credential", "nonce", "keys", "suite", "proof")
        both = [self.hello, in_order(proofless, names)]
        self.transcript = hashlib.sha256(compact(both)).digest()
        self.keys, self.suite = proofless["keys"], self.challenge["suite"]
        refuse(self.keys != self.holder.route(self.peer), "another route")
        refuse(self.suite != "kps+hpke", "a weaker suite than both have")
        self.pair = self.holder.pair_key(self.peer["sub"])
        expected = self.proof(RESPONDER_PROOF, self.transcript, from_peer=True)
        refuse(not hmac.compare_digest(expected, unb64(self.challenge["proof"])), "an impostor")

    def info(self, purpose, from_peer=False):
        own = (self.holder.identifier, "holder")
        peer = (self.peer["sub"], self.hello["to_role"])
        sender, recipient = (peer, own) if from_peer else (own, peer)
        return working_info(purpose, self.holder.network, self.keys, self.suite, sender, recipient,
                            self.transcript)

    def proof(self, purpose, data, from_peer=False):
        return hmac.digest(hkdf(self.pair, self.info(purpose, from_peer)), data, "sha256")

    def confirm(self, spoil=False):
        """Proves the common key, and has the session; a spoilt proof proves nothing."""
        key = self.peer["hpke"][0]
        shared, encapsulated = encapsulate(unb64(key["key"]))
        ek, kid = b64(encapsulated), key["kid"]
        whole = hashlib.sha256(compact([b64(self.transcript), ek, kid])).digest()
        proof = self.proof(INITIATOR_PROOF, whole)
        if spoil:
            proof = bytes([proof[0] ^ 1]) + proof[1:]
        session = self.challenge["session"]
        http(f"{self.url}/v1/meet/confirm",
             {"session": session, "ek": ek, "kid": kid, "proof": b64(proof)})
        root = export_key(shared, hkdf(self.pair, self.info(ROOT_PSK)), self.info(ROOT))
        return Session(self.url, session, root, whole)


class Session:
    """Questions and answers under the keys of a meeting."""

    def __init__(self, url, name, root, whole):
        self.url, self.name, self.seq = url, name, 0
        self.own, self.peers = (session_key(root, whole, side) for side in ("initiator", "responder"))

    def ask(self, op, body):
        seq, self.seq = self.seq, self.seq + 1
        return self.send(self.sealed(seq, {"op": op, "body": body}), seq)

    def sealed(self, seq, said):
        header = {"alg": "dir", "enc": "A256GCM", "typ": "warifu-session+jwe", "sid": self.name,
                  "seq": seq}
        protected = b64(json.dumps(header).encode())
        iv = bytes(4) + struct.pack(">Q", seq)
        text = AESGCM(self.own).encrypt(iv, json.dumps(said).encode(), protected.encode())
        return ".".join([protected, "", b64(iv), b64(text[:-16]), b64(text[-16:])])

    def send(self, message, seq):
        answer = http(f"{self.url}/v1/session", message)
        protected, _, iv, text, tag = answer.split(".")
        header = json.loads(unb64(protected))
        refuse((header["typ"], header["sid"], header["seq"])
               != ("warifu-session+jwe", self.name, seq), "an answer to something else")
        refuse(unb64(iv) != bytes(4) + struct.pack(">Q", seq), "another IV")
        said = AESGCM(self.peers).decrypt(unb64(iv), unb64(text) + unb64(tag), protected.encode())
        answer = json.loads(said)
        if "problem" in answer:
            raise Problem(answer["problem"])
        return answer["ok"]
