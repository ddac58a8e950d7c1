"use strict";

// What a person opened stays open while a page renews itself: the server knows nothing of it.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.localName === "details");

// Where properties share no clock, the reader's own one tells more than UTC.
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const showOwnTime = () => {
    for (const one of document.querySelectorAll("time[data-local]")) one.textContent = clock.format(new Date(one.dateTime));
};
showOwnTime();
document.addEventListener("htmx:afterSwap", showOwnTime);
