"use strict";

// Says beside the chosen times of day what they are in words; the list of all of them is for this script.
{
    const chosen = document.getElementById("id_crontab");
    const help = document.querySelector(".field-crontab .help > div");
    const inWords = document.currentScript.dataset.inWords; // “In words: {times}”
    const words = JSON.parse(document.getElementById("readable-crontabs").textContent);
    document.querySelector(".field-crontab_translation")?.setAttribute("hidden", "");
    if (chosen && help) {
        const before = help.textContent;
        const tell = () => {
            const said = words[chosen.value];
            help.textContent = said ? `${before} ${inWords.replace('{times}', said)}` : before;
        };
        chosen.addEventListener("change", tell);
        tell();
    }
}
