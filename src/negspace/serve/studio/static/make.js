// Make: the plan while one types; two pictures of one seed, without and with what is avoided.

import { attempt, debounce, generate, notice, page, postJson, text } from "./api.js";
import { reweighted, showPlan } from "./plan.js";
import { judgedTable, showReceipt, total } from "./receipt.js";
import { begin, finish, giveUp, put } from "./stage.js";

const byId = (id) => document.getElementById(id);
const form = byId("request");
const fields = form.elements;
let plan = null; // with the request that it is of
const dragged = new Map(); // weights since then, by the place of the term
let planning = null;
let running = null;

// What may be chosen

function offer(select, names, chosen) {
  select.replaceChildren(...names.map((name) => new Option(name, name, name === chosen, name === chosen)));
}

function offerModel() {
  const model = page.models[fields.model.value];
  offer(fields.rule, model.rules, model.rule);
  offer(fields.sampler, model.samplers, model.sampler);
  for (const name of ["scale", "steps", "width", "height"]) fields[name].placeholder = model[name];
  byId("lora-field").hidden = !model.loras.length;
  fields.lora.replaceChildren(new Option(text("none"), ""), ...model.loras.map((name) => new Option(name, name)));
}

/** The request that the form holds; what is left open is the model's own. */
function request() {
  const model = page.models[fields.model.value];
  const numbers = ["scale", "steps", "width", "height", "seed"].filter((name) => fields[name].value !== "");
  const policies = [...form.querySelectorAll('[name="policies"]:checked')].map((box) => box.value);
  return {
    prompt: fields.prompt.value,
    avoid: fields.avoid.value.trim() ? fields.avoid.value : null,
    model: fields.model.value,
    check: fields.check.value,
    ...Object.fromEntries(numbers.map((name) => [name, Number(fields[name].value)])),
    ...(fields.rule.value === model.rule ? {} : { rule: fields.rule.value }),
    ...(fields.sampler.value === model.sampler ? {} : { sampler: fields.sampler.value }),
    ...(fields.lora.value ? { loras: [{ name: fields.lora.value }] } : {}),
    ...(policies.length ? { policies } : {}),
  };
}

// The plan

async function replan() {
  planning?.abort();
  planning = new AbortController();
  if (!fields.prompt.value.trim() && !fields.avoid.value.trim()) return;
  try {
    const wish = request();
    plan = { ...(await postJson("/api/studio/plan", { ...wish, seed: 0 }, planning.signal)), wish };
    dragged.clear();
    showPlan(plan, drag);
    byId("make").disabled = plan.blocks.length > 0;
  } catch (error) {
    if (error.name === "AbortError") return;
    const box = byId("verdict");
    box.dataset.state = "blocked";
    box.textContent = error.message;
  }
}

const replanSoon = debounce(replan, 40);

/** A weight was dragged; once the hand lets go, the next picture follows. The text that the plan is of is
    changed, from its end, so that no place of a term moves. */
async function drag(term, weight, released) {
  dragged.set(term.span[0], [term, weight]);
  const changes = [...dragged.values()].sort(([a], [b]) => b.span[0] - a.span[0]);
  const change = (avoid, [changed, to]) => reweighted(avoid, changed, to);
  fields.avoid.value = changes.reduce(change, plan.wish.avoid);
  await replan();
  if (released && !byId("result").hidden) make();
}

// The pictures

async function make() {
  running?.abort();
  const mine = (running = new AbortController());
  const wish = request();
  wish.seed ??= Math.floor(Math.random() * 2 ** 32);
  fields.seed.value = wish.seed;
  const both = byId("both").checked && (plan?.terms.length ?? 0) > 0;
  const [width, height] = plan?.size ?? [1, 1];
  begin(both, width, height);
  byId("cancel").hidden = false;
  const meter = new Meter(both ? 2 : 1);
  const plain = { ...wish, avoid: null, policies: [] };
  const jobs = [["with", wish], ...(both ? [["without", plain]] : [])];
  const results = await attempt(() => Promise.all(jobs.map((job, index) => picture(...job, index, meter, mine.signal))));
  if (mine !== running) return;
  byId("cancel").hidden = true;
  if (results === undefined) {
    mine.abort();
    giveUp();
    meter.reset();
  } else {
    await show(results, wish);
  }
}

async function picture(place, wish, index, meter, signal) {
  const done = await generate(wish, {
    signal,
    on: {
      progress: ({ done, total }) => meter.advance(index, done, total),
      preview: ({ png }) => put(place, `data:image/png;base64,${png}`),
    },
  });
  if (done.images.length) await put(place, done.images[0].url);
  return done;
}

async function show(results, wish) {
  const [withIt, without] = results;
  const changed = finish();
  const count = results.reduce((sum, result) => sum + total(result.receipt), 0);
  byId("progress").value = 1;
  const words = [text("made", { count, seed: wish.seed })];
  if (changed !== null) words.push(text("changed", { share: (100 * changed).toFixed(1) }));
  byId("count").textContent = words.join(" · ");
  byId("result").hidden = false;
  showReceipt(byId("receipt"), withIt.receipt);
  if (!withIt.images.length) {
    notice(text("withheld"));
    byId("judged").replaceChildren();
    return;
  }
  const [{ id, url }] = withIt.images;
  byId("download").href = url;
  byId("download").download = `negspace-${wish.seed}.png`;
  byId("raw").href = `/api/images/${id}/receipt`;
  await attempt(() => judge(withIt, without));
}

async function judge(withIt, without) {
  const pictures = [without, withIt].filter((result) => result?.images.length).map((result) => result.images[0].id);
  const concepts = [...new Set(withIt.receipt.terms.map((term) => term.concept || term.term))].slice(0, 64);
  const looked = await postJson("/api/studio/look", { pictures, concepts });
  const labels = pictures.length > 1 ? [text("without"), text("with")] : [text("with")];
  byId("judged").replaceChildren(judgedTable(looked, labels));
}

/** Steps taken so far, over both pictures. */
class Meter {
  constructor(count) {
    this.shares = Array(count).fill([0, 0]);
    this.reset();
  }
  advance(index, done, total) {
    this.shares[index] = [done, total];
    const [all, of] = this.shares.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    byId("progress").value = of ? all / of : 0;
    byId("count").textContent = text("steps", { done: all, total: of });
  }
  reset() {
    byId("progress").value = 0;
    byId("count").textContent = text("waiting");
  }
}

/** Fill the form from a picture of the gallery, so that it can be made again or changed. */
async function fillFrom(picture) {
  const receipt = await (await fetch(`/api/images/${picture}/receipt`)).json();
  const wish = receipt.request;
  if (wish.model in page.models) fields.model.value = wish.model;
  offerModel();
  fields.prompt.value = wish.prompt;
  fields.avoid.value = typeof wish.avoid === "string" ? wish.avoid : (wish.avoid ?? []).map(termText).join(", ");
  for (const name of ["scale", "steps", "width", "height", "seed", "sampler", "rule", "check"])
    if (wish[name] !== null) fields[name].value = wish[name];
  for (const box of form.querySelectorAll('[name="policies"]')) box.checked = wish.policies.includes(box.value);
}

const termText = ({ term, weight }) => (weight === 1 ? term : `(${term}:${weight})`);

form.addEventListener("input", (event) => {
  if (event.target.type !== "range") replanSoon();
});
fields.model.addEventListener("change", offerModel);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  make();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
byId("cancel").addEventListener("click", () => {
  running?.abort();
  byId("cancel").hidden = true;
  giveUp();
});

offerModel();
const wanted = new URLSearchParams(location.search);
for (const name of ["prompt", "avoid"]) if (wanted.has(name)) fields[name].value = wanted.get(name);
if (wanted.has("from")) await attempt(() => fillFrom(wanted.get("from")));
await replan();
