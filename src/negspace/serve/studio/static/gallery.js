// Gallery: two pictures to compare, and what a file says about itself.

import { attempt, element, getJson, text } from "./api.js";
import { showReceipt } from "./receipt.js";

const picks = [...document.querySelectorAll(".pick input")];
const go = document.getElementById("compare-go");
const drop = document.getElementById("drop");
const file = document.getElementById("file");

for (const box of picks) box.addEventListener("change", choose);
document.getElementById("compare").addEventListener("submit", (event) => {
  event.preventDefault();
  const [first, second] = picks.filter((box) => box.checked).map((box) => box.value);
  location.assign(`/studio/gallery/compare?${new URLSearchParams({ first, second })}`);
});

/** Two at most: a third takes the place of the first. */
function choose(event) {
  const chosen = picks.filter((box) => box.checked);
  if (chosen.length > 2) chosen.find((box) => box !== event.target).checked = false;
  go.disabled = chosen.length < 2;
}

for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
document.addEventListener("dragover", () => drop.classList.add("over"));
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) read(event.dataTransfer.files[0]);
});
file.addEventListener("change", () => {
  if (file.files.length) read(file.files[0]);
  file.value = ""; // so that the same file, changed, may be chosen again
});

async function read(picture) {
  const box = document.getElementById("read");
  box.replaceChildren();
  const texts = await attempt(() => getJson("/api/studio/read", { method: "POST", body: picture, raw: true }));
  if (texts === undefined) return;
  const verdict = texts.receipt === null ? "no_receipt" : texts.pixels ? "pixels_match" : "pixels_differ";
  const level = verdict === "pixels_match" ? "note good" : "warning";
  box.append(element("p", { className: `finding ${level}` }, text(verdict)));
  if (texts.receipt === null) box.append(element("pre", {}, texts.parameters ?? ""));
  else {
    const list = element("dl", { className: "receipt" });
    showReceipt(list, texts.receipt);
    box.append(list);
  }
  box.scrollIntoView({ block: "nearest" });
}
