// Converse: a wish, a picture, what is wrong with it, the next picture. Everything is kept on the server.

import { attempt, element, generate, getJson, notice, postJson, text } from "./api.js";

const byId = (id) => document.getElementById(id);
const turns = byId("turns");
const words = byId("words");
const parameters = new URLSearchParams(location.search);
const id = parameters.get("id") ?? crypto.randomUUID?.() ?? String(Math.random()).slice(2);
const path = `/api/conversations/${encodeURIComponent(id)}`;
let begun = false;
let before = new Map(); // weights of the picture before, by term

function bubble(side, ...content) {
  byId("hello")?.remove();
  const turn = element("li", { className: `turn ${side}` }, ...content);
  turns.append(turn);
  turn.scrollIntoView({ block: "end", behavior: "smooth" });
  return turn;
}

function picture(done, alt) {
  const shown = done.images.map(({ url }) => element("img", { src: url, alt, width: 320, height: 320 }));
  if (!shown.length) shown.push(element("p", { className: "finding warning" }, text("withheld")));
  const thumbs = ["up", "down"].map((way) =>
    element("button", { type: "button", className: "undo", onclick: () => judge(way, done.id) }, text(way)),
  );
  bubble("ours", ...shown, element("p", { className: "row thumbs" }, ...thumbs));
  showAvoided(done.receipt.terms);
  begin();
}

/** After the first picture, words are about what is wrong. */
function begin() {
  if (begun) return;
  begun = true;
  words.placeholder = text("complain");
  byId("words-label").textContent = text("complain");
  byId("options").hidden = true;
  if (!parameters.has("id")) history.replaceState(null, "", `?id=${id}`);
}

function showAvoided(terms) {
  const now = new Map(terms.map((term) => [term.term, term.weight]));
  const items = terms.map((term) => {
    const fresh = before.get(term.term) !== term.weight;
    const lock = term.locked ? element("span", { className: "lock", role: "img", ariaLabel: text("locked") }) : null;
    const weight = element("b", {}, `×${Math.round(100 * term.weight) / 100}`);
    const origin = element("small", { className: "soft" }, term.origins.join(", ") || term.source);
    return element("li", { className: fresh ? "fresh" : "" }, lock, element("span", { className: "name" }, term.term), weight, origin);
  });
  const nothing = element("li", { className: "soft" }, text("nothing_avoided"));
  byId("avoided").replaceChildren(...(items.length ? items : [nothing]));
  before = now;
}

/** The answer to feedback, each change with a button that takes it back. */
function answer(reply) {
  const lines = reply.answer.map((line) => element("p", {}, line));
  const undo = reply.changes
    .filter((change) => change.why_not === null)
    .map((change) => {
      const label = text("undo", { term: change.term });
      const button = element("button", { type: "button", className: "undo" }, label);
      button.onclick = () => takeBack(change, button);
      return button;
    });
  bubble("ours", ...lines, element("p", { className: "row" }, ...undo));
}

async function waiting(action) {
  const turn = bubble("ours busy", element("p", { className: "soft" }, text("making")));
  byId("say").querySelector("button").disabled = true;
  const result = await attempt(action);
  byId("say").querySelector("button").disabled = false;
  turn.remove();
  return result;
}

async function wish(prompt) {
  const policies = [...document.querySelectorAll('[name="policies"]:checked')].map((box) => box.value);
  const request = { prompt, model: byId("model").value, check: "flag", policies };
  const done = await waiting(() => generate(request, { query: { conversation: id }, previews: 0 }));
  if (done) picture(done, prompt);
}

async function feedback(body) {
  const reply = await waiting(() => postJson(`${path}/feedback`, body));
  if (!reply) return;
  answer(reply);
  if (reply.next) picture(reply.next, reply.next.receipt.positive.text);
}

const judge = (thumbs, request) => {
  bubble("yours", element("p", {}, text(thumbs)));
  return feedback({ thumbs, request });
};

/** The last request once more, with the term as it was before a change. */
async function takeBack(change, button) {
  button.disabled = true;
  const { requests } = await getJson(path);
  const last = requests.at(-1).request;
  if (typeof last.avoid === "string") return notice(text("cannot_undo"));
  const same = (term) => term.term.toLowerCase() === change.term.toLowerCase();
  const others = (last.avoid ?? []).filter((term) => !same(term));
  const own = (last.avoid ?? []).find(same) ?? { term: change.term };
  const avoid = change.before === null ? others : [...others, { ...own, weight: change.before }];
  bubble("yours", element("p", {}, text("undo", { term: change.term })));
  const request = { ...last, avoid };
  const done = await waiting(() => generate(request, { query: { conversation: id }, previews: 0 }));
  if (done) picture(done, last.prompt);
}

/** What was said and made before. */
async function recall() {
  const { requests, feedback: remarks } = await getJson(path);
  for (const request of requests) {
    if (request === requests[0]) bubble("yours", element("p", {}, request.request.prompt));
    if (request.status === "done") picture(await getJson(`/api/jobs/${request.id}`), request.request.prompt);
    for (const remark of remarks.filter((each) => each.request === request.id)) {
      const mark = remark.thumbs === null ? "" : text(remark.thumbs > 0 ? "up" : "down");
      bubble("yours", element("p", {}, [remark.said, mark].filter(Boolean).join(" · ")));
    }
  }
}

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = words.value.trim();
  if (!typed) return;
  words.value = "";
  bubble("yours", element("p", {}, typed));
  if (begun) feedback({ complaint: typed });
  else wish(typed);
});
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("say").requestSubmit();
});

if (parameters.has("id")) await attempt(recall);
words.focus();
