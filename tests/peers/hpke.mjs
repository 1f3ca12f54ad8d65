// HPKE (RFC 9180) as docs/protocol.md, section 6, has it: X-Wing, HKDF-SHA-256, export only. X-Wing
// comes from @noble/post-quantum, hashes and HMAC from Node itself.
import { createHash, createHmac } from "node:crypto";
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";

const KEM = Buffer.from("KEM\x64\x7a", "latin1");
// KEM 0x647a, KDF 0x0001, AEAD 0xffff.
const SUITE = Buffer.from("HPKE\x64\x7a\x00\x01\xff\xff", "latin1");
const VERSION = Buffer.from("HPKE-v1");

function uint16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

const hmac = (key, ...pieces) =>
  createHmac("sha256", key).update(Buffer.concat(pieces.map((piece) => Buffer.from(piece)))).digest();

const extract = (salt, label, ikm) =>
  hmac(salt.length ? salt : Buffer.alloc(32), VERSION, SUITE, label, ikm);

// One block of HKDF is all that is ever asked for.
const expand = (secret, label, info) => hmac(secret, uint16(32), VERSION, SUITE, label, info, "\x01");

// In PSK mode, or in Base mode where there is no PSK.
function exported(shared, psk, info) {
  const none = Buffer.alloc(0);
  const context = Buffer.concat([
    Buffer.from([psk.length ? 1 : 0]),
    extract(none, "psk_id_hash", psk.length ? "warifu/1 pair" : ""),
    extract(none, "info_hash", info),
  ]);
  return expand(expand(extract(shared, "secret", psk), "exp", context), "sec", "warifu/1 content key");
}

const shake = (bytes) => createHash("shake256", { outputLength: 32 }).update(bytes).digest();

// A party's 32-byte seed as X-Wing's keys: DeriveKeyPair of the HPKE document.
export function keyPair(seed) {
  const label = "DeriveKeyPair";
  return xwing.keygen(shake(Buffer.concat([seed, VERSION, KEM, uint16(label.length),
    Buffer.from(label), uint16(32)])));
}

// What the sender exports, and the encapsulated key that goes with it.
export function send(publicKey, psk, info) {
  const { cipherText, sharedSecret } = xwing.encapsulate(publicKey);
  return { ek: Buffer.from(cipherText), key: exported(sharedSecret, psk, info) };
}

// What the recipient exports.
export function receive(seed, ek, psk, info) {
  return exported(xwing.decapsulate(ek, keyPair(seed).secretKey), psk, info);
}
