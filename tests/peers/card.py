"""A card network peer of its own: ISO 8583:1987 in ASCII by the library pyiso8583.

    card.py ask HOST PORT [CA CERTIFICATE KEY NAME]
                               sends the messages of standard input (a JSON list of objects, field
                               numbers and "t" for the type; without a date of its own a message has
                               now), and prints the answers as a JSON list; with the files under
                               mutual TLS
    card.py serve              answers one connection on a port that it prints first, and prints what
                               it was asked, a JSON object a line; each 0220 is left unanswered, so
                               that it comes again as 0221
    card.py serve-all          answers everything on every connection, until it is ended

No code is shared with the Rust side.
"""
import json
import socket
import ssl
import struct
import sys
import threading
import time

import iso8583
from iso8583.specs import default_ascii as SPEC


def exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def receive(connection):
    header = exactly(connection, 2)
    if header is None:
        return None
    body = exactly(connection, struct.unpack(">H", header)[0])
    decoded, _ = iso8583.decode(body, SPEC)
    return {key: value for key, value in decoded.items() if key not in ("h", "p", "1")}


def send(connection, message):
    body, _ = iso8583.encode({"h": "", **message}, SPEC)
    connection.sendall(struct.pack(">H", len(body)) + bytes(body))


def connect(host, port, tls):
    connection = socket.create_connection((host, int(port)), timeout=60)
    if not tls:
        return connection
    ca, certificate, key, name = tls
    context = ssl.create_default_context(cafile=ca)
    # newer Pythons ask for extensions that a small authority does not write
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(certificate, key)
    return context.wrap_socket(connection, server_hostname=name)


def ask(host, port, *tls):
    answers = []
    with connect(host, port, tls) as connection:
        for message in json.load(sys.stdin):
            message.setdefault("7", time.strftime("%m%d%H%M%S", time.gmtime()))
            send(connection, message)
            answers.append(receive(connection))
    json.dump(answers, sys.stdout)


def answer(message):
    kept = {key: message[key] for key in ("3", "4", "7", "11", "37", "41", "42", "49", "70")
            if key in message}
    kept["t"] = message["t"][:2] + str(int(message["t"][2]) + 1) + "0"
    # an amount of 51 units is more than anybody has
    kept["39"] = "51" if message.get("4") == "000000000051" else "00"
    if kept["39"] == "00" and message["t"] in ("0100", "0101"):
        kept["38"] = "PEER01"
    return kept


def tell(message):
    # In one piece: print would write the end of the line apart, and connections have threads.
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer_all(connection):
    with connection:
        while (message := receive(connection)) is not None:
            tell(message)
            send(connection, answer(message))


def serve_all():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer_all, args=(connection,), daemon=True).start()


def serve():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        connection, _ = listener.accept()
        with connection:
            while (message := receive(connection)) is not None:
                tell(message)
                if message["t"] != "0220":
                    send(connection, answer(message))


if __name__ == "__main__":
    if sys.argv[1:2] == ["ask"]:
        ask(*sys.argv[2:])
    elif sys.argv[1:] == ["serve-all"]:
        serve_all()
    elif sys.argv[1:] == ["serve"]:
        serve()
    else:
        sys.exit(__doc__)
