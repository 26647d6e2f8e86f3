// One picture: its receipt, and whether it can be made again, bit for bit.

import { attempt, element, generate, page, text } from "./api.js";
import { showReceipt } from "./receipt.js";

showReceipt(document.getElementById("receipt"), page.receipt);

const button = document.getElementById("again");
button.addEventListener("click", async () => {
  button.disabled = true;
  const same = document.getElementById("same");
  same.replaceChildren(text("making"));
  const done = await attempt(() => generate(page.receipt.request, { previews: 0 }));
  button.disabled = false;
  same.replaceChildren();
  if (done === undefined || !done.images.length) return;
  const equal = done.receipt.images[0].sha256 === page.receipt.images[0].sha256;
  const link = element("a", { href: `/studio/gallery/${done.images[0].id}` }, text("look_at_it"));
  same.append(element("span", { className: `finding ${equal ? "good" : "warning"}` }, text(equal ? "same" : "not_same"), " ", link));
});
