// “Copy link”: shown only where scripts run; the field can be copied by hand everywhere else.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const field = document.querySelector("[data-copy-from]");
    const button = document.querySelector("[data-copy]");
    if (!field || !button) {
        return;
    }
    field.addEventListener("focus", () => field.select());
    const [done, byHand] = document.documentElement.lang.startsWith("pl")
        ? ["Skopiowano", "Naciśnij Ctrl+C, aby skopiować"]
        : ["Copied", "Press Ctrl+C to copy"];
    button.hidden = false;
    button.addEventListener("click", async () => {
        field.focus();
        field.select();
        let copied = false;
        try {
            await navigator.clipboard.writeText(field.value);
            copied = true;
        } catch {
            copied = document.execCommand("copy"); // pages without https have no clipboard
        }
        button.textContent = copied ? done : byHand;
    });
});
