// What a second implementation of Warifu needs beside the libraries, after docs/protocol.md.
// Signatures and JWE come from jose, SD-JWT from @sd-jwt/core, HKDF and SHA-256 from Node itself.
import { createHash, createPrivateKey, createPublicKey, hkdfSync, randomBytes, sign as signBytes,
  verify as verifyBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SDJwtInstance } from "@sd-jwt/core";
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, importJWK } from "jose";

const PURPOSES = { part: 1, part_psk: 2 };

export const b64 = (bytes) => Buffer.from(bytes).toString("base64url");
export const unb64 = (text) => Buffer.from(text, "base64url");
export const sha256 = (text) => createHash("sha256").update(text).digest();
export const digest = (text) => b64(sha256(text));
// The hash of an order's signing input.
export const identity = (order) => digest(order.slice(0, order.lastIndexOf(".")));
export const nonce = () => b64(randomBytes(32));

export function refuse(condition, text) {
  if (condition) throw new Error(text);
}

export function read(folder) {
  return JSON.parse(readFileSync(join(folder, "warifu.json"), "utf8"));
}

// Signed messages

export async function sign(typ, claims, key) {
  const signer = new CompactSign(Buffer.from(JSON.stringify(claims)));
  return signer.setProtectedHeader({ alg: "EdDSA", typ }).sign(await importJWK(key, "EdDSA"));
}

export async function verify(token, typ, key) {
  const imported = await importJWK(key, "EdDSA");
  const { payload, protectedHeader } = await compactVerify(token, imported,
    { algorithms: ["EdDSA"] });
  refuse(protectedHeader.typ !== typ || Object.keys(protectedHeader).length !== 2, "header");
  return JSON.parse(Buffer.from(payload).toString("utf8"));
}

// The order as an SD-JWT: the library with this network's one algorithm and hash.
export function sdJwt(publicKey, privateKey) {
  return new SDJwtInstance({
    signAlg: "EdDSA",
    signer: privateKey && ((data) =>
      b64(signBytes(null, Buffer.from(data), createPrivateKey({ key: privateKey, format: "jwk" })))),
    verifier: (data, signature) => verifyBytes(null, Buffer.from(data),
      createPublicKey({ key: publicKey, format: "jwk" }), unb64(signature)),
    hasher: (data) => sha256(Buffer.from(data)),
    hashAlg: "sha-256",
    saltGenerator: () => b64(randomBytes(16)),
  });
}

// Working keys

function item(bytes) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, Buffer.from(bytes)]);
}

function number(value, size) {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

export function workingKey(pair, purpose, header) {
  const { epochs, matrix } = header.keys.predistributed;
  const items = ["warifu/1", number(PURPOSES[purpose], 1), header.network, "predistributed", matrix,
    number(epochs.length, 2)];
  for (const { center, epoch } of epochs) items.push(center, number(epoch, 4));
  items.push(header.suite, header.from, "holder", header.to, header.role, unb64(header.order));
  const info = Buffer.concat(items.map((each) => item(Buffer.from(each))));
  return Buffer.from(hkdfSync("sha256", pair, Buffer.alloc(0), info, 32));
}

// Telegram sessions: the root comes from the other side, since the Node versions that the tests run on
// have no ML-KEM.
export function telegramWhole({ network, center, kid, ek }, { session, nonce: fresh }) {
  // The compact form, with the fields in the order of the page.
  return sha256(JSON.stringify([{ network, center, kid, ek }, { session, nonce: fresh }]));
}

export function sessionKey(root, whole, side) {
  const info = Buffer.concat([Buffer.from(`warifu/1 session ${side}`), whole]);
  return Buffer.from(hkdfSync("sha256", root, Buffer.alloc(0), info, 32));
}

// Parts

export const partHeader = (token) => JSON.parse(unb64(token.split(".")[0]).toString("utf8"));

export async function decrypt(token, key) {
  const options = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
  return Buffer.from((await compactDecrypt(token, key, options)).plaintext);
}

export async function encrypt(header, key, plaintext) {
  return new CompactEncrypt(Buffer.from(plaintext)).setProtectedHeader(header).encrypt(key);
}

export function envelope(disclosures) {
  const bare = JSON.stringify({ disclosures, pad: "" });
  const padding = (256 - (bare.length % 256)) % 256;
  return `${bare.slice(0, -2)}${"0".repeat(padding)}"}`;
}
