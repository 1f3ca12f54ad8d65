// Opens and verifies what Warifu wrote. Usage: node open.mjs DIR, which holds warifu.json.
// Prints, for each suite, the claims of every signed message, the fields of every part, and how
// many altered versions were tried and which of them were accepted.
import { keyPair } from "./hpke.mjs";
import { b64, contentKey, decrypt, digest, partHeader, read, refuse, sdJwt, sessionKey, telegramRoot,
  telegramWhole, unb64, verify } from "./warifu.mjs";

// The fields that the SD-JWT library shows for these disclosures.
async function fieldsOf(order, disclosures, key, now) {
  const presentation = [order, ...disclosures, ""].join("~");
  const { payload } = await sdJwt(key).verify(presentation, { currentDate: now });
  const shown = Object.entries(payload.fields).filter(([, value]) => value.length > 0);
  // RFC 9901: a disclosure that no digest names makes the whole invalid.
  refuse(shown.length !== disclosures.length, "a disclosure without its digest");
  return Object.fromEntries(shown.map(([field, value]) => [field, value[0]]));
}

async function openPart(token, given, order, holder, now) {
  const claims = await verify(order, "warifu-order+sd-jwt", holder);
  const header = partHeader(token);
  refuse(claims.parts[header.role] !== digest(token), "the part is another");
  refuse(claims.parties[header.role] !== header.to, "the part is for another");
  refuse(claims.jti !== header.order || claims.form !== header.form, "another order");
  const seed = unb64(given.hpke_seed);
  if (header.suite === "kps+hpke") {
    refuse(b64(keyPair(seed).publicKey) !== given.hpke_public, "the HPKE key is another");
  }
  const key = contentKey(unb64(given.pair), header, seed);
  refuse(!key.equals(unb64(given.key)), "the content key is another");
  const plaintext = await decrypt(token, key);
  refuse(plaintext.length % 256 !== 0, "padding");
  const { disclosures } = JSON.parse(plaintext.toString("utf8"));
  return { disclosures, fields: await fieldsOf(order, disclosures, holder, now) };
}

// The token with one character changed in the middle of each of its pieces.
function alterations(token) {
  const pieces = token.split(".");
  return pieces.map((piece, n) => [piece, n]).filter(([piece]) => piece).map(([piece, n]) => {
    const at = piece.length >> 1;
    const other = piece[at] === "A" ? "B" : "A";
    const changed = piece.slice(0, at) + other + piece.slice(at + 1);
    return [n, pieces.with(n, changed).join(".")];
  });
}

class Altered {
  tried = 0;
  accepted = [];
  async mustFail(name, check) {
    this.tried += 1;
    const accepted = await check().then(() => true, () => false);
    if (accepted) this.accepted.push(name);
  }
}

// The two messages of a telegram session: the terminal's, and the center's answer.
async function openSession(given) {
  const root = telegramRoot(given.open, unb64(given.hpke_seed));
  refuse(!root.equals(unb64(given.root)), "the session's root is another");
  const whole = telegramWhole(given.open, given.opened);
  const said = [];
  for (const [side, name] of [["initiator", "question"], ["responder", "answer"]]) {
    const { typ, sid, seq } = partHeader(given[name]);
    refuse(typ !== "warifu-session+jwe" || sid !== given.opened.session || seq !== 0, "header");
    const plaintext = await decrypt(given[name], sessionKey(root, whole, side));
    said.push(JSON.parse(plaintext.toString("utf8")));
  }
  return said;
}

async function openSuite(suite, now) {
  const { keys, messages, order, parts, telegram_session: session } = suite;
  const answer = { claims: {}, parts: {} };
  const altered = new Altered();
  for (const { name, token, signer, typ } of messages) {
    answer.claims[name] = await verify(token, typ, keys[signer]);
    for (const [n, other] of alterations(token)) {
      await altered.mustFail(`${name}, piece ${n}`, () => verify(other, typ, keys[signer]));
    }
    await altered.mustFail(`${name}, typ`, () => verify(token, "warifu-other+jwt", keys[signer]));
    const stranger = keys[signer === "carrier" ? "issuer" : "carrier"];
    await altered.mustFail(`${name}, signer`, () => verify(token, typ, stranger));
  }
  const holder = keys.holder;
  for (const [role, given] of Object.entries(parts)) {
    const { fields, disclosures } = await openPart(given.part, given, order, holder, now);
    answer.parts[role] = fields;
    for (const [n, other] of alterations(given.part)) {
      await altered.mustFail(`${role}, hash, piece ${n}`,
        () => openPart(other, given, order, holder, now));
      await altered.mustFail(`${role}, JWE, piece ${n}`, () => decrypt(other, unb64(given.key)));
    }
    for (const [n, disclosure] of disclosures.entries()) {
      const [[, other]] = alterations(disclosure);
      await altered.mustFail(`${role}, disclosure ${n}`,
        () => fieldsOf(order, disclosures.with(n, other), holder, now));
    }
    for (const [n, other] of alterations(order)) {
      await altered.mustFail(`${role}, order, piece ${n}`,
        () => fieldsOf(other, disclosures, holder, now));
    }
  }
  answer.telegram_session = await openSession(session);
  for (const name of ["question", "answer"]) {
    for (const [n, other] of alterations(session[name])) {
      await altered.mustFail(`session, ${name}, piece ${n}`,
        () => openSession({ ...session, [name]: other }));
    }
  }
  answer.altered = { tried: altered.tried, accepted: altered.accepted };
  return answer;
}

const given = read(process.argv[2]);
const answer = {};
for (const [name, suite] of Object.entries(given.suites)) {
  answer[name] = await openSuite(suite, given.writer.now);
}
process.stdout.write(JSON.stringify(answer));
