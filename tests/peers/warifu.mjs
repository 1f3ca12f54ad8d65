// What a second implementation of Warifu needs beside the libraries, after docs/protocol.md.
// Signatures and JWE come from jose, SD-JWT from @sd-jwt/core, X-Wing from @noble/post-quantum (see
// hpke.mjs), HKDF and SHA-256 from Node itself.
import { createHash, createPrivateKey, createPublicKey, hkdfSync, randomBytes, sign as signBytes,
  verify as verifyBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SDJwtInstance } from "@sd-jwt/core";
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, importJWK } from "jose";
import { receive, send } from "./hpke.mjs";

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

// The `info` of HKDF and HPKE for a part with this protected header.
function derivationInfo(purpose, header) {
  const { epochs, matrix } = header.keys.predistributed;
  const items = ["warifu/1", number(PURPOSES[purpose], 1), header.network, "predistributed", matrix,
    number(epochs.length, 2)];
  for (const { center, epoch } of epochs) items.push(center, number(epoch, 4));
  items.push(header.suite, header.from, "holder", header.to, header.role, unb64(header.order));
  return Buffer.concat(items.map((each) => item(Buffer.from(each))));
}

function workingKey(pair, purpose, header) {
  const info = derivationInfo(purpose, header);
  return Buffer.from(hkdfSync("sha256", pair, Buffer.alloc(0), info, 32));
}

// A part's content key, as its recipient derives it.
export function contentKey(pair, header, seed) {
  if (header.suite === "kps") return workingKey(pair, "part", header);
  const psk = workingKey(pair, "part_psk", header);
  return receive(seed, unb64(header.ek), psk, derivationInfo("part", header));
}

// A part's content key, as the holder makes it for the recipient's published key, and the whole header.
export function newContentKey(pair, header, { kid, key: published }) {
  if (header.suite === "kps") return { header, key: workingKey(pair, "part", header) };
  const psk = workingKey(pair, "part_psk", header);
  const { ek, key } = send(unb64(published), psk, derivationInfo("part", header));
  return { header: { ...header, kid, ek: b64(ek) }, key };
}

// Telegram sessions

export function telegramRoot({ network, center, ek }, seed) {
  const items = ["warifu/1 telegram session", network, center];
  const info = Buffer.concat(items.map((each) => item(Buffer.from(each))));
  return receive(seed, unb64(ek), Buffer.alloc(0), info);
}

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
