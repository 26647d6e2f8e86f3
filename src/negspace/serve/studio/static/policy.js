// A draft of a policy: what it changes, line by line and prompt by prompt. Nothing is stored on the server.

import { attempt, element, page, postJson, text } from "./api.js";

const byId = (id) => document.getElementById(id);

byId("draft").addEventListener("submit", async (event) => {
  event.preventDefault();
  const prompts = byId("prompts").value.split("\n").map((line) => line.trim()).filter(Boolean);
  const draft = { text: byId("text").value, prompts, model: byId("model").value };
  const result = await attempt(() => postJson(`/api/studio/policies/${encodeURIComponent(page.name)}/try`, draft));
  if (result) byId("tried").replaceChildren(difference(result.diff), ...result.prompts.map(effect));
});

byId("save").addEventListener("click", (event) => {
  event.currentTarget.href = `data:application/yaml;charset=utf-8,${encodeURIComponent(byId("text").value)}`;
});

function difference(lines) {
  if (!lines.length) return element("p", { className: "finding note" }, text("no_changes"));
  const marks = { added: "+ ", removed: "− ", place: "", same: "  " };
  const shown = lines.map(({ kind, text: line }) => element("span", { className: kind }, `${marks[kind]}${line}\n`));
  return element("pre", { className: "diff", tabIndex: 0 }, ...shown);
}

function effect({ prompt, now, draft }) {
  const [gained, lost] = [
    draft.terms.filter((term) => !now.terms.includes(term)),
    now.terms.filter((term) => !draft.terms.includes(term)),
  ];
  const lines = [
    ...gained.map((term) => element("li", { className: "added" }, `+ ${term}`)),
    ...lost.map((term) => element("li", { className: "removed" }, `− ${term}`)),
    ...draft.blocks.map((block) => element("li", { className: "finding block" }, block)),
    ...(now.blocks.length && !draft.blocks.length ? [element("li", { className: "added" }, text("unblocked"))] : []),
    ...draft.findings.filter((each) => !now.findings.includes(each)).map((each) => element("li", { className: "finding note" }, each)),
  ];
  if (!lines.length) lines.push(element("li", { className: "soft" }, text("no_effect", { count: draft.terms.length })));
  return element("section", {}, element("h3", {}, prompt), element("ul", {}, ...lines));
}
