// Passkeys: asks the server what to ask the device for, and puts the device's answer into the form. The
// page gives the words.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // Not all browsers have parseCreationOptionsFromJSON yet.
  const unpacked = ({ publicKey: asked }) => {
    const options = { ...asked, challenge: bytes(asked.challenge) };
    if (asked.user) options.user = { ...asked.user, id: bytes(asked.user.id) };
    for (const list of ["excludeCredentials", "allowCredentials"]) {
      if (asked[list]) options[list] = asked[list].map((one) => ({ ...one, id: bytes(one.id) }));
    }
    return { publicKey: options };
  };
  const packed = (found) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (found.response[name]) response[name] = text(found.response[name]);
    }
    return { id: text(found.rawId), rawId: text(found.rawId), type: found.type, response, clientExtensionResults: {} };
  };

  const wordsOf = (form) => form.querySelector("[data-words]").dataset;

  const ask = async (form) => {
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(form.dataset.begin, { method: "POST", headers: { "X-CSRFToken": token } });
    if (!(answer.headers.get("Content-Type") || "").includes("json")) throw new Error(wordsOf(form).oldPage);
    const asked = await answer.json();
    if (!answer.ok) throw new Error(asked.error);
    const found = await navigator.credentials[form.dataset.passkey](unpacked(asked));
    form.elements.answer.value = JSON.stringify(packed(found));
    form.submit();
  };

  const said = (error, { known, none }) =>
    error.name === "InvalidStateError" ? known : error instanceof DOMException ? none : error.message;

  // Passkeys are of a name; an address in numbers has none.
  if (!window.PublicKeyCredential || /^[\d.]+$|^\[/.test(location.hostname)) return;
  for (const note of document.querySelectorAll("[data-without-passkeys]")) note.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const alert = form.querySelector("[role=alert]");
      alert.hidden = true;
      ask(form).catch((error) => {
        alert.textContent = said(error, wordsOf(form));
        alert.hidden = false;
      });
    });
  }
})();
