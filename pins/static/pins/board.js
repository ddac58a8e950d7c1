"use strict";

// What a person opened stays open while a page renews itself: the server knows nothing of it.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.localName === "details");

// Where properties share no clock, the reader's own one tells more than UTC.
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const showOwnTime = () => {
    for (const one of document.querySelectorAll("time[data-local]")) one.textContent = clock.format(new Date(one.dateTime));
};
showOwnTime();
document.addEventListener("htmx:afterSwap", showOwnTime);

// A page that cannot renew itself says so, and since when, until it can again.
const stale = document.getElementById("stale");
let freshAt = new Date();
const say = (text) => {
    if (stale.textContent !== text) stale.textContent = text; // said once, not with each try
};
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (!/^\s*<(!doctype|html)\b/i.test(detail.serverResponse)) return;
    detail.shouldSwap = false; // a whole page, so not ours: something in between answered
    detail.isError = true;
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.successful) {
        freshAt = new Date();
        say("");
    } else if (detail.xhr.getResponseHeader("HX-Refresh") === null) {
        say(stale.dataset.said.replace("{time}", clock.format(freshAt)));
    }
});
