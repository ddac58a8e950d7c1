// What a person opened stays open while a page renews itself: the server knows nothing of it.
"use strict";

Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.localName === "details");
