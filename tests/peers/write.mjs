// Writes what Warifu is to accept. Usage: node write.mjs DIR, which holds warifu.json.
// Prints, for each suite, a form, a quote, a sealed order with the holder's credential, and what the
// other parties say of it.
import { digest, encrypt, envelope, identity, newContentKey, nonce, read, sdJwt, sign, unb64 }
  from "./warifu.mjs";

const given = read(process.argv[2]).writer;
const { network, now, parties, private: secret, route, rule } = given;

const form = await sign("warifu-form+jwt", {
  iss: parties.merchant,
  network,
  jti: nonce(),
  rule,
  parties: Object.fromEntries(Object.keys(rule.parts).filter((role) => role !== rule.front)
    .map((role) => [role, role === "carrier" ? { name: "the blue van" } : { holder: {} }])),
  accepts: { currencies: ["JPY"], instalments: 1, issuers: [parties.issuer], suites: given.suites },
  iat: now,
  exp: now + 3600,
}, secret.merchant);

const [item] = given.values.items;
const quote = await sign("warifu-quote+jwt", {
  iss: parties.merchant,
  jti: nonce(),
  form: digest(form),
  lines: [{ number: given.values.item_numbers[0], ...item, unit_price: { minor: 990, currency: "JPY" } }],
  total: given.values.amount,
  iat: now,
  exp: now + 600,
}, secret.merchant);

const credential = await sign("warifu-credential+jwt", {
  iss: parties.center,
  network,
  sub: parties.holder,
  class: { holder: {} },
  roles: ["holder"],
  key: secret.holder.x,
  hpke: [],
  suites: ["kps"],
  epochs: route.epochs,
  iat: now - 60,
  exp: now + 86400,
}, secret.center);

async function writePart(suite, role, order, disclosures) {
  const bare = {
    alg: "dir",
    enc: "A256GCM",
    typ: "warifu-part+jwe",
    network,
    order,
    from: parties.holder,
    to: parties[role],
    role,
    form: digest(form),
    suite,
    keys: { predistributed: route },
  };
  const { header, key } = newContentKey(unb64(given.pairs[role]), bare, given.hpke[role]);
  return encrypt(header, key, envelope(disclosures));
}

// The SD-JWT library makes disclosures and digests; then the parts can be written, and the claims
// that it made are signed together with the parts' hashes.
async function writeOrder(suite) {
  const wanted = new Set(Object.values(rule.parts).flat());
  const values = { ...given.values, quote: digest(quote) };
  const fields = Object.entries(values).filter(([field]) => wanted.has(field));
  const claims = {
    iss: parties.holder,
    network,
    jti: nonce(),
    form: digest(form),
    parties: Object.fromEntries(Object.keys(rule.parts).map((role) => [role, parties[role]])),
    fields: Object.fromEntries(fields.map(([field, value]) => [field, [value]])),
    iat: now,
    exp: now + 900,
  };
  const frame = { fields: Object.fromEntries(fields.map(([field]) => [field, { _sd: [0] }])) };
  const header = { typ: "warifu-order+sd-jwt" };
  const library = sdJwt(secret.holder, secret.holder);
  const draft = await library.decode(await library.issue(claims, frame, { header }));
  const made = new Map();
  for (const disclosure of draft.disclosures) made.set(disclosure._digest, disclosure.encode());
  const packed = draft.jwt.payload;
  const parts = {};
  for (const [role, names] of Object.entries(rule.parts)) {
    const mine = names.map((name) => made.get(packed.fields[name][0]["..."]));
    parts[role] = await writePart(suite, role, claims.jti, mine);
  }
  packed.parts = Object.fromEntries(Object.entries(parts).map(([role, part]) => [role, digest(part)]));
  return { order: await sign("warifu-order+sd-jwt", packed, secret.holder), parts };
}

// What issuer, carrier and merchant then say of an order.
async function writeAnswers(order) {
  const said = { order: identity(order), iat: now };
  const toMerchant = (role, claims) =>
    ({ iss: parties[role], aud: parties.merchant, ...said, ...claims });
  return {
    authorization: await sign("warifu-authorization+jwt", toMerchant("issuer",
      { jti: nonce(), decision: "authorized", exp: now + 86400 }), secret.issuer),
    delivery: await sign("warifu-delivery+jwt", toMerchant("carrier", { state: "accepted" }),
      secret.carrier),
    settlement: await sign("warifu-settlement+jwt", toMerchant("issuer", { action: "capture" }),
      secret.issuer),
    status: await sign("warifu-status+jwt", { iss: parties.merchant, aud: parties.holder, ...said,
      state: "dispatched" }, secret.merchant),
  };
}

const written = {};
for (const suite of given.suites) {
  const { order, parts } = await writeOrder(suite);
  const bundle = { holder: parties.holder, order, credential, form, parts };
  written[suite] = { form, quote, credential, bundle, ...await writeAnswers(order) };
}
process.stdout.write(JSON.stringify(written));
