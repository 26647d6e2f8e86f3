// A receipt for people, and what a judge saw.

import { element, text } from "./api.js";

/** Fill a definition list with what a receipt says. */
export function showReceipt(list, receipt) {
  const lines = [
    ["prompt", receipt.positive.text],
    ["negative", receipt.negative.text ?? text("none")],
    ["acted", receipt.negative_acted ? text("yes") : text("no_because", { why: receipt.why_not })],
    ["model", `${receipt.model.name} · ${receipt.model.fingerprint.slice(0, 12)} · ${receipt.model.dtype}`],
    ["settings", settings(receipt)],
    ["counted", counted(receipt)],
    ...receipt.terms.map((term) => ["term", termLine(term)]),
    ...receipt.images.map((image) => ["picture", `seed ${image.seed} · sha256 ${image.sha256.slice(0, 16)}`]),
    ...receipt.withheld.map((image) => ["withheld", `seed ${image.seed}: ${image.flags.join("; ")}`]),
    ...receipt.findings.map((finding) => [finding.level, finding.text]),
  ];
  list.replaceChildren(
    ...lines.flatMap(([label, words]) => [
      element("dt", {}, text(`receipt_${label}`)),
      element("dd", { className: label === "warning" ? "warn" : "" }, words),
    ]),
  );
}

function settings(receipt) {
  const size = `${receipt.width}×${receipt.height}`;
  return `${receipt.rule} · scale ${receipt.scale} · ${receipt.sampler} · ${receipt.steps} steps · ${size}`;
}

export function counted(receipt) {
  const branches = Object.entries(receipt.evaluations).map(([branch, count]) => `${count} ${branch}`);
  return text("evaluations", { count: total(receipt), branches: branches.join(", ") });
}

export function total(receipt) {
  return Object.values(receipt.evaluations).reduce((sum, count) => sum + count, 0);
}

function termLine(term) {
  const weight = term.weight === 1 ? "" : ` ×${Math.round(term.weight * 100) / 100}`;
  const origin = term.origins.join(", ") || term.source;
  const inert = term.effect === "inert" ? ` · ${text("term_inert", { why: term.why_not })}` : "";
  const seen = term.looked ? ` · ${text("seen_in", { seen: term.seen_after, looked: term.looked })}` : "";
  return `${term.term}${weight} · ${origin} · ${term.channel}${inert}${seen}`;
}

/** What a judge saw in some pictures, a row a concept; `labels` name the columns. */
export function judgedTable(looked, labels) {
  if (looked.judge === null) return element("p", { className: "soft" }, text("no_judge"));
  if (!looked.seen.length) return element("p", { className: "soft" }, text("nothing_to_see"));
  const head = element("tr", {}, ...["", ...labels].map((label) => element("th", { scope: "col" }, label)));
  const rows = looked.seen.map((row) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, row.concept, row.avoided ? null : element("small", {}, ` ${text("side_effect")}`)),
      ...row.verdicts.map((verdict) =>
        element("td", { className: `verdict-${verdict}` }, text(`verdict_${verdict}`)),
      ),
    ),
  );
  const caption = element("caption", {}, text("judge_is", { name: looked.judge }));
  return element("table", {}, caption, element("thead", {}, head), element("tbody", {}, ...rows));
}
