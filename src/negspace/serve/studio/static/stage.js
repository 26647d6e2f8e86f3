// Two pictures of one seed in one frame: side by side under a slider, each alone, or their difference.

const frame = document.getElementById("frame");
const [without, withIt] = ["without", "with"].map((id) => document.getElementById(id));
const heat = document.getElementById("heat");
const split = document.getElementById("split");
const views = [...document.querySelectorAll("[data-view]")].filter((item) => item.tagName === "BUTTON");

split.addEventListener("input", divide);
for (const button of views) button.addEventListener("click", () => show(button.dataset.view));

function divide() {
  frame.style.setProperty("--split", `${split.value}%`);
}

/** Choose what is seen: "compare", "without", "with" or "difference". */
export function show(view) {
  frame.dataset.view = view;
  for (const button of views) button.setAttribute("aria-pressed", String(button.dataset.view === view));
}

/** Prepare the frame for new pictures; `both` where there is one without the negative, too. */
export function begin(both, width, height) {
  frame.dataset.state = "busy";
  frame.dataset.both = both;
  frame.style.setProperty("--aspect", width / height);
  for (const button of views) button.disabled = !both;
  heat.hidden = true;
  split.hidden = !both;
  without.hidden = without.hidden || !both;
  show(both ? "compare" : "with");
  divide();
}

/** Show a picture: `place` is "with" or "without", `address` its URL or data URL. */
export async function put(place, address) {
  const image = place === "with" ? withIt : without;
  image.src = address;
  image.hidden = false;
  await image.decode().catch(() => {});
}

/** Say that the pictures are final; draws where they differ, from black over orange to white. */
export function finish() {
  frame.dataset.state = "done";
  if (frame.dataset.both !== "true") return null;
  const [first, second] = [without, withIt].map(pixels);
  if (first.width !== second.width || first.height !== second.height) return null;
  const drawn = new ImageData(first.width, first.height);
  let changed = 0;
  for (let at = 0; at < drawn.data.length; at += 4) {
    let distance = 0;
    for (let channel = 0; channel < 3; channel++)
      distance += Math.abs(first.data[at + channel] - second.data[at + channel]);
    const share = Math.min(1, distance / 255);
    if (distance > 24) changed++;
    drawn.data.set([255 * Math.min(1, 2 * share), 255 * share ** 1.4, 255 * share ** 4, 255], at);
  }
  heat.width = first.width;
  heat.height = first.height;
  heat.getContext("2d").putImageData(drawn, 0, 0);
  heat.hidden = false;
  return changed / (first.width * first.height);
}

function pixels(image) {
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Show what there was before, after pictures that did not come. */
export function giveUp() {
  frame.dataset.state = withIt.hidden ? "empty" : "done";
}
