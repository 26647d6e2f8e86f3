// Prove: start a trial, watch the evidence grow towards what is enough, stop it.

import { attempt, call, element, page, postJson, text } from "./api.js";

const byId = (id) => document.getElementById(id);
const form = byId("question");
let watched = null;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = form.elements;
  const numbers = ["steps", "scale", "most_pictures"].filter((name) => fields[name].value !== "");
  const question = {
    prompt: fields.prompt.value,
    avoid: fields.avoid.value,
    model: fields.model.value,
    ...Object.fromEntries(numbers.map((name) => [name, Number(fields[name].value)])),
  };
  const trial = await attempt(() => postJson("/api/studio/trials", question));
  if (trial) watch(trial.id);
});

byId("stop").addEventListener("click", () =>
  attempt(() => call(`/api/studio/trials/${watched}`, { method: "DELETE" })),
);

function watch(id) {
  watched = id;
  byId("trial").hidden = false;
  history.replaceState(null, "", `?watch=${id}`);
  const source = new EventSource(`/api/studio/trials/${id}/events`);
  source.addEventListener("trial", ({ data }) => {
    const trial = JSON.parse(data);
    show(trial);
    if (["done", "stopped", "failed"].includes(trial.state)) source.close();
  });
  source.onerror = () => source.readyState === EventSource.CLOSED && byId("stage").replaceChildren(text("gone"));
}

function show(trial) {
  const over = ["done", "stopped", "failed"].includes(trial.state);
  byId("stage").textContent = trial.state === "running" ? trial.stage : text(`state_${trial.state}`);
  byId("progress").value = trial.state === "done" ? 1 : trial.done / Math.max(1, trial.done + trial.left);
  const minutes = trial.seconds ? Math.ceil(trial.seconds / 60) : null;
  const left = minutes === null || over ? "" : ` · ${text("minutes", { minutes })}`;
  byId("count").textContent = text("pictures", { done: trial.done, left: trial.left }) + left;
  byId("stop").hidden = over;
  byId("start").disabled = !over;
  rows(trial.terms);
  const answer = byId("answer");
  answer.replaceChildren(trial.answer ?? trial.error ?? "");
  if (trial.report) answer.append(" ", element("a", { href: `/studio/prove/${trial.report}` }, text("report")));
}

function rows(terms) {
  const list = byId("evidence");
  while (list.children.length > terms.length) list.lastChild.remove();
  terms.forEach((term, index) => fill(list.children[index] ?? list.appendChild(row()), term));
}

function row() {
  const meter = element("meter", { min: 0, max: 1 });
  return element("li", {}, element("span", { className: "name" }), element("span", { className: "state" }), meter, element("small", { className: "soft" }));
}

function fill(item, term) {
  const [name, state, meter, counts] = item.children;
  item.dataset.state = term.state;
  name.textContent = term.term;
  state.textContent = text(`trial_${term.state}`);
  meter.value = term.share;
  meter.setAttribute("aria-label", text("evidence_of", { term: term.term }));
  counts.textContent = text("pairs", term);
}

const wanted = new URLSearchParams(location.search).get("watch") ?? page.watch;
if (wanted) watch(wanted);
