// The requests under way, those that failed, and who has used what.

import { get, Refused } from "./api.js";
import { at, chosen, fill, h, say, table } from "./dom.js";
import { bytes, brief, count, moment, number, span, wait, when } from "./format.js";

const name = (accounts, id) => accounts.get(id)?.name ?? id;

const both = (first, second) => [h("span", { class: "main" }, first), second ? h("span", { class: "sub" }, second) : null];

/** Show what is under way.  *now* is the gateway's, in POSIX seconds. */
export function showRequests(requests, accounts, now) {
  const { count: all, oldest } = requests;
  const more = all > oldest.length ? `, of which the ${oldest.length} oldest are shown` : "";
  say(at("requests-count"), all ? `${count(all, "request")}, ${count(requests.streams, "stream")}${more}` : "");
  const key = JSON.stringify([oldest, oldest.length && Math.floor(now)]);
  fill(at("requests"), key, () => {
    if (!oldest.length) return h("p", { class: "empty" }, "Nothing is under way.");
    return table(
      "Requests under way",
      [{ title: "Request" }, { title: "Model" }, { title: "Account", class: "wide" }, { title: "Time", class: "n" }, { title: "Sent", class: "n" }],
      oldest.map((r) => [
        both(h("code", {}, r.id), r.key || "no key"),
        both(r.model || r.path, r.streams ? "stream" : "one piece"),
        both(r.account ? name(accounts, r.account) : "–", r.kind.replaceAll("_", " ")),
        both(span(now - r.began), r.has_begun ? null : "waiting"),
        bytes(r.sent),
      ]),
    );
  });
}

/** Show what failed last. */
export function showFailures(failures, accounts) {
  say(at("failures-count"), failures.length ? `the last ${failures.length}` : "");
  fill(at("failures"), JSON.stringify(failures), () => {
    if (!failures.length) return h("p", { class: "empty" }, "Nothing has failed since the daemon was started.");
    return table(
      "Requests that failed, the last first",
      [{ title: "Time", class: "fixed" }, { title: "Status", class: "n" }, { title: "What went wrong" }, { title: "Model", class: "wide" }, { title: "Account", class: "wide" }, { title: "Request", class: "wide" }],
      failures.map((f) => [
        both(when(moment(f.time), true), f.key || "no key"),
        f.status || "–",
        [both(f.trouble || f.ended, f.ended.replaceAll("_", " ")), h("code", { class: "narrow" }, f.id)],
        both(f.model || f.path, wait(f.seconds)),
        both(f.account ? name(accounts, f.account) : "–", f.attempts ? count(f.attempts, "attempt") : ""),
        h("code", {}, f.id),
      ]),
    );
  });
}

/** When that was, as `antigravity-gw usage --since` has it; 0 days is last midnight here. */
function since(days) {
  const moment = new Date();
  if (!days) moment.setHours(0, 0, 0, 0);
  return moment.getTime() / 1000 - days * 86400;
}

let asked = 0;

/** Ask who has used what, and show it, or why that cannot be told. */
export async function showUsage() {
  const by = chosen("by");
  const days = Number(chosen("days"));
  const turn = ++asked;
  let told;
  try {
    told = await get(`usage?by=${by}&since=${since(days)}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    told = error.message;
  }
  if (turn !== asked) return; // something else was chosen meanwhile
  fill(at("usage"), JSON.stringify([by, days, told]), () =>
    typeof told === "string" ? h("p", { class: "empty" }, `It cannot be told just now: ${told}`) : usageTable(by, told),
  );
}

const tokens = (line) => line.prompt + line.output + line.thoughts;

function usageTable(by, lines) {
  if (!lines.length) return h("p", { class: "empty" }, "Nothing was used in this time.");
  const most = Math.max(1, ...lines.map(tokens));
  const total = { name: "All" };
  for (const part of ["requests", "errors", "prompt", "output", "thoughts", "cached"]) {
    total[part] = lines.reduce((sum, line) => sum + line[part], 0);
  }
  const row = (line, bar) => [
    both(line.name || `no ${by}`, line.id && line.id !== line.name ? line.id : ""),
    number(line.requests),
    line.errors ? h("span", { class: "bad" }, number(line.errors)) : "0",
    [bar ? share(tokens(line) / most) : null, h("span", { class: "amount" }, brief(tokens(line)))],
    ...[line.prompt, line.cached, line.output, line.thoughts].map((n) => brief(n)),
  ];
  return table(
    `Usage by ${by}`,
    [
      { title: by[0].toUpperCase() + by.slice(1) }, { title: "Requests", class: "n" }, { title: "Errors", class: "n" },
      { title: "Tokens", class: "n shares" }, { title: "Prompt", class: "n wide" }, { title: "Cached", class: "n wide" },
      { title: "Output", class: "n wide" }, { title: "Thoughts", class: "n wide" },
    ],
    lines.map((line) => row(line, true)),
    row(total, false),
  );
}

function share(part) {
  const full = h("span", { class: "full" });
  full.style.width = `${Math.max(part * 100, part ? 1 : 0)}%`;
  return h("span", { class: "share", "aria-hidden": "true" }, full);
}
