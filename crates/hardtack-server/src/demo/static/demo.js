// Every page works without this script. With it, times run and what scripts
// can see is shown as it is now.
"use strict";

// A page that the browser kept alive in memory is asked for again: what it
// shows may be over, such as a session that was signed out meanwhile.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Pages that are made without looking at cookies, such as errors, take the theme from here.
const theme = document.cookie.match(/(?:^|; )demo-theme=(light|dark)/);
if (theme) document.documentElement.dataset.theme = theme[1];

const seen = () => document.cookie;
const has = (name) => seen().split("; ").some((pair) => pair.startsWith(name + "="));

for (const place of document.querySelectorAll("[data-scripts-see]")) {
  const show = () => { place.textContent = seen() || "nothing"; };
  show();
  setInterval(show, 500);
}

// <div data-left="30000" data-grace="2500" data-watch="cookie?" data-then="reload?">
for (const clock of document.querySelectorAll("[data-left]")) {
  const end = performance.now() + Number(clock.dataset.left);
  const digits = clock.querySelector("[data-digits]");
  const bar = clock.querySelector("progress");
  const after = clock.querySelector("[data-after]");
  const { watch, then, grace = 0 } = clock.dataset;
  const tick = () => {
    const left = Math.max(0, end - performance.now());
    digits.textContent = Math.ceil(left / 1000);
    if (bar) bar.value = left;
    // The cookie's end is not computed here: it is seen when it happens.
    if (watch ? has(watch) : performance.now() < end + Number(grace)) return;
    clearInterval(timer);
    if (after) after.hidden = false;
    if (then === "reload") location.reload();
  };
  const timer = setInterval(tick, 200);
  tick();
}

// A picture is made small before it is sent.
for (const input of document.querySelectorAll("input[data-shrink]")) {
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    try {
      const image = await createImageBitmap(file);
      const scale = Math.min(1, 160 / Math.max(image.width, image.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(image.width * scale));
      canvas.height = Math.max(1, Math.round(image.height * scale));
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      const list = new DataTransfer();
      list.items.add(new File([small], "picture.jpg", { type: "image/jpeg" }));
      input.files = list.files;
    } catch {
      // Not an image that this browser reads: the server says so.
    }
  });
}
