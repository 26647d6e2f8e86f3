// What every page has: the theme, the language, signing out.

import { attempt, call } from "./api.js";

const THEMES = ["auto", "light", "dark"];
const keep = (name, value) => (document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`);

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const shown = root.dataset.theme === "auto" ? (dark ? "dark" : "light") : root.dataset.theme;
  root.dataset.theme = shown === "dark" ? "light" : "dark";
  keep("theme", THEMES.includes(root.dataset.theme) ? root.dataset.theme : "auto");
});

document.getElementById("language").addEventListener("change", (event) => {
  keep("language", event.target.value);
  location.reload();
});

document.getElementById("sign-out")?.addEventListener("click", () =>
  attempt(async () => {
    await call("/studio/sign-out", { method: "POST" });
    location.assign("/studio/sign-in");
  }),
);

// Not scrollIntoView: that would move the place at which the Tab key begins.
const current = document.querySelector('.tabs [aria-current="page"]');
if (current) current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.clientWidth / 2;
