// Passkeys. A form with `data-passkey` asks for a challenge, has the browser answer it (Web
// Authentication), and goes out with the answer in its hidden fields. Bytes are unpadded base64url.
"use strict";

const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const decode = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

// What went wrong: a status of the broker, or the name of the browser's exception.
class Fault extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// The challenge and all that belongs to it. What is typed into the form goes along.
async function begin(form) {
  const body = new URLSearchParams(new FormData(form));
  const response = await fetch(form.dataset.begin, { method: "POST", body });
  if (!response.ok) throw new Fault(String(response.status));
  const options = await response.json();
  options.challenge = decode(options.challenge);
  return options;
}

const ceremonies = {
  async create(form) {
    const publicKey = await begin(form);
    publicKey.user.id = decode(publicKey.user.id);
    for (const known of publicKey.excludeCredentials) known.id = decode(known.id);
    const { response } = await navigator.credentials.create({ publicKey });
    return { client_data: response.clientDataJSON, attestation: response.attestationObject };
  },
  async get(form) {
    const publicKey = await begin(form);
    const { rawId, response } = await navigator.credentials.get({ publicKey });
    return {
      id: rawId,
      client_data: response.clientDataJSON,
      authenticator_data: response.authenticatorData,
      signature: response.signature,
      user: response.userHandle ?? new ArrayBuffer(0),
    };
  },
};

// Shows the sentence for this fault, or the one for any other.
function show(form, code) {
  const sentences = [...form.querySelectorAll("[data-fault]")];
  for (const sentence of sentences) sentence.hidden = true;
  const fits = sentences.find((sentence) => sentence.dataset.fault.split(" ").includes(code));
  if (code) (fits ?? sentences.at(-1)).hidden = false;
}

async function answer(form) {
  const button = form.querySelector("button");
  show(form, null);
  button.disabled = true;
  try {
    const said = await ceremonies[form.dataset.passkey](form);
    for (const [name, bytes] of Object.entries(said)) form.elements[name].value = encode(bytes);
    // The password has done its service.
    for (const field of form.querySelectorAll("[type=password]")) field.disabled = true;
    form.submit();
  } catch (error) {
    show(form, error instanceof Fault ? error.code : error.name);
  } finally {
    button.disabled = false;
  }
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form);
    });
  }
  for (const text of document.querySelectorAll("[data-without-passkeys]")) text.hidden = true;
}
