// The plan as one types: every avoided term with its weight, what is worth knowing, and the tokens.

import { element, text } from "./api.js";

const byId = (id) => document.getElementById(id);

/** Show a plan. `drag` is called with (term, weight, whether the hand has let go). */
export function showPlan(plan, drag) {
  const own = plan.terms.filter((term) => term.span && !term.locked);
  const others = plan.terms.filter((term) => !own.includes(term));
  rows(byId("terms"), own, drag);
  byId("others").replaceChildren(...others.map(chip));
  byId("findings").replaceChildren(
    ...plan.blocks.map((block) => finding("block", block)),
    ...plan.findings.filter((each) => each.code !== "blocked").map((each) => finding(each.level, each.text)),
  );
  byId("tokens").replaceChildren(...plan.encoders.map(tokens));
  verdict(plan);
}

function verdict(plan) {
  const box = byId("verdict");
  const state = plan.blocks.length ? "blocked" : plan.acts ? "acts" : "inert";
  box.dataset.state = state;
  const cost = text("cost", { count: plan.evaluations, rule: plan.rule, scale: plan.scale, steps: plan.steps });
  const why = plan.why_not ?? "";
  box.replaceChildren(element("strong", {}, text(state, { why })), ` ${cost}`);
}

/** Rows are kept from plan to plan, so that a slider stays under the hand that drags it. */
function rows(list, terms, drag) {
  while (list.children.length > terms.length) list.lastChild.remove();
  terms.forEach((term, index) => {
    const row = list.children[index] ?? list.appendChild(newRow());
    fill(row, term, drag);
  });
}

function newRow() {
  const slider = element("input", { type: "range", min: "0", max: "2", step: "0.05" });
  return element(
    "li",
    { className: "term" },
    element("span", { className: "name" }),
    slider,
    element("output"),
    element("small", { className: "how" }),
  );
}

function fill(row, term, drag) {
  const [name, slider, weight, how] = row.children;
  row.dataset.known = term.known;
  row.dataset.channel = term.channel;
  name.textContent = term.term;
  how.textContent = facts(term).join(" · ");
  slider.setAttribute("aria-label", text("weight_of", { term: term.term }));
  if (document.activeElement !== slider || !slider.matches(":active")) slider.value = term.weight;
  weight.textContent = short(term.weight);
  slider.oninput = () => {
    weight.textContent = short(Number(slider.value));
    drag(term, Number(slider.value), false);
  };
  slider.onchange = () => drag(term, Number(slider.value), true);
}

const short = (number) => String(Math.round(number * 100) / 100);

/** Where a term comes from, how it reaches the model, and whether the model knows it. */
export function facts(term) {
  const known = { true: text("known"), false: text("unknown"), null: text("known_open") }[String(term.known)];
  const words = [term.origins.join(", "), term.channel, known];
  words.push(text(term.tokens === 1 ? "token" : "tokens", { count: term.tokens }));
  if (["retry", "block"].includes(term.check)) words.push(text(`check_${term.check}`));
  return words;
}

function chip(term) {
  const weight = term.weight === 1 ? null : element("b", {}, `×${short(term.weight)}`);
  const lock = term.locked ? element("span", { className: "lock", role: "img", ariaLabel: text("locked") }) : null;
  const label = element("span", { className: "name" }, term.term);
  const made = element("li", { className: "chip" }, lock, label, weight);
  made.dataset.known = term.known;
  made.title = facts(term).join(" · ");
  made.append(element("span", { className: "visually-hidden" }, ` (${made.title})`));
  return made;
}

export function finding(level, words) {
  return element("li", { className: `finding ${level}` }, words);
}

function tokens(encoder) {
  const sides = ["prompt", "avoid"].map((side) => {
    const windows = encoder[`${side}_windows`];
    const meter = element("meter", { min: 0, max: encoder.chunk * windows, value: encoder[side] });
    const label = text(`${side}_tokens`, { count: encoder[side], most: encoder.chunk * windows });
    meter.setAttribute("aria-label", label);
    return element("span", { className: "side" }, meter, element("small", {}, label));
  });
  return element("li", {}, element("small", { className: "name" }, encoder.name), ...sides);
}

/** The avoid text with another weight for the term at its place, in the syntax of AUTOMATIC1111. */
export function reweighted(avoid, term, weight) {
  const [start, end] = term.span;
  const [before, words, after] = [avoid.slice(0, start), avoid.slice(start, end), avoid.slice(end)];
  const close = /^\s*:\s*[\d.]+\s*\)/.exec(after);
  if (close && before.endsWith("(")) {
    const wrapped = weight === 1 ? words : `(${words}:${short(weight)})`;
    return before.slice(0, -1) + wrapped + after.slice(close[0].length);
  }
  const alone = /(^|,)\s*$/.test(before) && /^\s*(,|$)/.test(after);
  const factor = alone ? weight : weight / (term.weight || 1); // weights of nested brackets multiply
  return `${before}(${words}:${short(factor)})${after}`;
}
