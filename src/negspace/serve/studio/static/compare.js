// Two pictures of the gallery in one frame.

import { page, text } from "./api.js";
import { begin, finish, put } from "./stage.js";

const [first, second] = page.pictures.map((id) => `/api/images/${id}`);
begin(true, 1, 1);
await Promise.all([put("without", first), put("with", second)]);
const changed = finish();
const words = changed === null ? text("sizes_differ") : text("changed", { share: (100 * changed).toFixed(1) });
document.getElementById("share").textContent = words;
