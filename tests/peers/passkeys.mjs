// Passkeys (Web Authentication) in a real browser: Chromium with virtual authenticators, over the
// DevTools protocol. `node passkeys.mjs FOLDER` reads FOLDER/warifu.json: the broker's `url`, a `member`
// with a `password`, and the `service` to order. Prints what it has done as JSON. With SCREENSHOTS, a
// folder, it leaves pictures of the pages there.
import { strict as assert } from "node:assert";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { read } from "./warifu.mjs";

const { url, member, password, service } = read(process.argv[2]);
const PATIENCE = 60_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

function installed() {
  for (const folder of process.env.PATH.split(":")) {
    for (const name of NAMES) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // not here
      }
    }
  }
  throw new Error("no Chromium: run ./test once, it installs it");
}

const browser = await chromium.launch({
  executablePath: installed(),
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run"],
});

// A browser of its own with a virtual authenticator, and everything that went wrong in it.
async function visitor() {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  // A policy that forbids what the page needs, or a script that is broken.
  page.on("console", (message) => {
    if (/Content Security Policy|Error:/.test(message.text())) faults.push(message.text());
  });
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  const passkeys = async () =>
    (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  const add = (credential) =>
    devtools.send("WebAuthn.addCredential", { authenticatorId, credential });
  return { context, page, faults, passkeys, add };
}

const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

// Serious faults of accessibility in both languages; and pictures, where they are wanted.
async function look(page, name) {
  for (const language of ["en", "ja"]) {
    await page.setExtraHTTPHeaders({ "accept-language": language });
    await page.reload();
    assert.equal(await page.getAttribute("html", "lang"), language);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
    for (const [kind, size] of Object.entries(WIDTHS)) {
      await page.setViewportSize(size);
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth > document.documentElement.clientWidth);
      assert.ok(!wider, `${name} is wider than a ${kind}`);
      if (process.env.SCREENSHOTS) {
        const path = join(process.env.SCREENSHOTS, `${name}-${language}-${kind}.png`);
        await page.screenshot({ path, fullPage: true });
      }
    }
  }
  await page.setExtraHTTPHeaders({ "accept-language": "en" });
  await page.reload();
}

async function logInByPassword(page) {
  await page.goto(`${url}/login`);
  await page.getByLabel("Membership number").fill(member);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.waitForURL(`${url}/orders`);
}

async function enrol(page, name) {
  await page.goto(`${url}/passkeys`);
  await page.getByLabel("A name for it").fill(name);
  await page.getByLabel("Your password").fill("a wrong password");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The password is wrong.").waitFor();
  await page.getByLabel("Your password").fill(password);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("Last used: never").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), name);
}

async function logOut(page) {
  await page.goto(`${url}/orders`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL(`${url}/login`);
}

// Presses the button; returns what the browser then sent.
async function useAPasskey(page) {
  const sent = page.waitForRequest((request) => request.url() === `${url}/login/passkey`);
  await page.goto(`${url}/login`);
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  const request = await sent;
  return { body: request.postData(), cookie: (await request.allHeaders()).cookie };
}

async function isRefused(page) {
  await page.getByText("That passkey did not let you in").waitFor();
  await page.goto(`${url}/orders`);
  assert.equal(page.url(), `${url}/login`);
}

// Orders with the session that the passkey has opened, and approves on the page.
async function order({ context, page }) {
  const cookies = await context.cookies();
  const session = cookies.find(({ name }) => name === "session");
  assert.ok(session.httpOnly && session.sameSite === "Strict");
  const placed = await fetch(`${url}/v1/orders`, {
    method: "POST",
    headers: { authorization: `Bearer ${session.value}`, "idempotency-key": "by-passkey",
      "content-type": "application/json" },
    body: JSON.stringify({ service, quantity: 1, destination: "Willow Lodge 41" }),
  });
  assert.equal(placed.status, 202);
  const { id, number } = await placed.json();
  await page.goto(`${url}/orders/${id}`);
  const approve = page.getByRole("button", { name: "Approve this order" });
  const end = Date.now() + PATIENCE;
  while (!(await approve.isVisible())) {
    assert.ok(Date.now() < end, "the order cannot be approved");
    await page.waitForTimeout(200);
    await page.reload();
  }
  await look(page, "order");
  await approve.click();
  await page.getByText("The order is approved.").waitFor();
  return { id, number };
}

// What the browser has sent, sent again from elsewhere with the browser's own cookies.
async function replay({ body, cookie }) {
  const answer = await fetch(`${url}/login/passkey`, {
    method: "POST", redirect: "manual", body,
    headers: { "content-type": "application/x-www-form-urlencoded", cookie },
  });
  assert.deepEqual([answer.status, answer.headers.getSetCookie()], [409, []]);
}

// An authenticator without the passkey: the browser finds none.
async function stranger() {
  const { page, faults } = await visitor();
  await page.goto(`${url}/login`);
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await page.getByText("No passkey was used.").waitFor();
  assert.deepEqual(faults, []);
}

// An authenticator that claims to have the passkey, or another one of the same member, with a key of
// its own.
async function impostor({ rpId, userHandle }, credentialId) {
  const { page, faults, add } = await visitor();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
  await add({ credentialId, rpId, userHandle, privateKey: key, signCount: 9,
    isResidentCredential: true });
  await useAPasskey(page);
  await isRefused(page);
  assert.deepEqual(faults, []);
}

const owner = await visitor();
const { page } = owner;
await page.goto(`${url}/login`);
await look(page, "login");
await logInByPassword(page);
await enrol(page, "the blue key");
await look(page, "passkeys");
const passkeys = await owner.passkeys();
assert.deepEqual(passkeys.map(({ rpId, isResidentCredential }) => [rpId, isResidentCredential]),
  [["localhost", true]]);
assert.ok(!Buffer.from(passkeys[0].userHandle, "base64").includes(member));
await logOut(page);
const sent = await useAPasskey(page);
await page.waitForURL(`${url}/orders`);
const ordered = await order(owner);
await page.goto(`${url}/orders`);
await look(page, "orders");
await replay(sent);
await stranger();
await impostor(passkeys[0], passkeys[0].credentialId);
await impostor(passkeys[0], randomBytes(16).toString("base64"));
await page.goto(`${url}/passkeys`);
await page.getByRole("button", { name: "Remove" }).click();
await page.getByText("You have none yet.").waitFor();
await logOut(page);
await useAPasskey(page);
await isRefused(page);
assert.deepEqual(owner.faults, []);
await browser.close();
console.log(JSON.stringify({ ordered, browser: browser.version() }));
