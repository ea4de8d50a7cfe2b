// The accounts: how each is, until when, what is left, and what can be done.

import { ask, refocus } from "./actions.js";
import { at, h, say } from "./dom.js";
import { count, moment, span, when } from "./format.js";

const MANY = 12; // more accounts than this can be filtered
const FEW = 4; // as many quotas are shown at once
const shown = new Map(); // by id: what was shown, and its element
let filter = "";
let accounts = [];

/** Show all accounts, and let alone those that have not changed. */
export function showAccounts(list) {
  accounts = list;
  const place = at("accounts");
  at("no-accounts").hidden = list.length > 0;
  place.hidden = !list.length;
  at("filter-label").hidden = list.length <= MANY;
  const refocused = keepFocus(place);
  const ids = new Set(list.map((account) => account.id));
  for (const [id, { element }] of shown) {
    if (!ids.has(id)) {
      element.remove();
      shown.delete(id);
    }
  }
  list.forEach((account, n) => {
    const { serving, ...rest } = account; // changes all the time, and buttons are not to be lost by it
    const key = JSON.stringify(rest);
    const old = shown.get(account.id);
    let element = old?.element;
    if (old?.key !== key) {
      element = row(account);
      if (old) replace(old.element, element);
      shown.set(account.id, { key, element });
    }
    say(element.querySelector(".serving strong"), String(serving));
    if (place.children[n] !== element) place.insertBefore(element, place.children[n] ?? null);
  });
  refocused();
  applyFilter();
  tick();
}

/** Put *fresh* in the place of *old*; what was open there stays open. */
function replace(old, fresh) {
  const isOpen = old.querySelector("details")?.open;
  old.replaceWith(fresh);
  const details = fresh.querySelector("details");
  if (details && isOpen) details.open = true;
}

/** What gives the focus back to the row that has it now, which loses it when it is moved or made anew. */
function keepFocus(place) {
  const active = document.activeElement;
  const row = place.contains(active) ? active.closest(".account") : null;
  const { action } = active?.dataset ?? {};
  return () => {
    if (!row || document.activeElement === active) return;
    if (active.isConnected) active.focus();
    else refocus(row.dataset.id, action ? `[data-action="${action}"]` : active.localName);
  };
}

const GRADES = { serving: "ok", cooling: "cool", disabled: "off" };

function row(account) {
  const grade = GRADES[account.state] ?? "bad";
  const title = h("h3", {}, account.name);
  return h(
    "li",
    { class: "account", dataset: { id: account.id, grade } },
    h("div", { class: "who" }, title, h("p", { class: "sub" }, account.kind.replaceAll("_", " "), " · ", h("code", {}, account.id))),
    h("div", { class: "state" }, h("p", {}, h("span", { class: "badge", dataset: { grade } }, account.title)), ...why(account)),
    h("div", { class: "quotas" }, ...quotas(account)),
    h("p", { class: "serving" }, h("strong"), ` under way${account.concurrency ? ` of ${account.concurrency}` : ""}`),
    h("div", { class: "buttons" }, ...buttons(account)),
  );
}

function why(account) {
  const parts = [];
  if (account.reason) parts.push(h("p", { class: "reason" }, account.reason));
  const ends = [];
  if (account.since) ends.push(["since ", time(account.since)]);
  if (account.until) ends.push([account.state === "cooling" ? "ends " : "tried again ", time(account.until, true)]);
  if (ends.length) parts.push(h("p", { class: "sub" }, ends.flatMap((end, n) => (n ? [", ", end] : [end]))));
  if (account.to_do && account.state !== "cooling") parts.push(h("p", { class: "todo" }, commands(account.to_do)));
  if (account.link?.startsWith("https://")) {
    parts.push(h("p", {}, h("a", { href: account.link, target: "_blank", rel: "noopener noreferrer" }, "Google's page for it")));
  }
  const models = account.cooling.filter((c) => c.model !== null);
  if (models.length && (account.state !== "cooling" || models.length > 1)) {
    parts.push(h("ul", { class: "models" }, models.map((c) => h("li", {}, c.model, ": ", c.reason, c.until ? [", ", time(c.until, true)] : null))));
  }
  return parts;
}

/** A moment; *counts* makes it a countdown. */
function time(text, counts = false) {
  return h("time", { datetime: text, title: when(moment(text)), dataset: counts ? { until: moment(text) } : {} }, when(moment(text)));
}

/** A text whose commands stand between single quotes. */
function commands(text) {
  return text.split(/('antigravity-gw [^']*')/).map((part) => (part.startsWith("'antigravity-gw ") ? h("code", {}, part.slice(1, -1)) : part));
}

function quotas(account) {
  if (!account.quota.length) return [h("p", { class: "sub" }, "quota unknown")];
  const all = account.quota.map(quota);
  if (all.length <= FEW + 1) return [h("ul", {}, all)];
  return [
    h("ul", {}, all.slice(0, FEW)),
    h("details", {}, h("summary", {}, `${all.length - FEW} more models`), h("ul", {}, all.slice(FEW))),
  ];
}

function quota({ model, fraction, resets }) {
  const known = fraction !== null;
  const percent = known ? Math.round(fraction * 100) : null;
  const text = known ? `${percent} %` : "unknown";
  const full = h("span", { class: "full" });
  full.style.width = `${percent ?? 0}%`;
  const back = resets && percent !== 100 ? `, back at ${when(moment(resets))}` : "";
  return h(
    "li",
    { class: "quota", title: `${model}: ${text}${back}` },
    h("span", { class: "model" }, model),
    h(
      "span",
      {
        class: "share", role: "meter", "aria-label": `Quota left for ${model}`, "aria-valuemin": 0, "aria-valuemax": 100,
        "aria-valuenow": percent ?? 0, "aria-valuetext": text + back,
        dataset: { grade: !known ? "unknown" : percent <= 5 ? "bad" : percent <= 25 ? "cool" : "ok" },
      },
      full,
    ),
    h("span", { class: "n" }, text),
  );
}

function buttons(account) {
  const button = (action, text, quiet = true) =>
    h(
      "button",
      { type: "button", class: quiet ? "quiet" : "", "aria-label": `${text}: ${account.name}`, dataset: { action }, on: { click: () => ask(action, account) } },
      text,
    );
  const all = [button("test", "Test")];
  if (account.state === "disabled") all.push(button("enable", "Enable", false));
  else {
    if (account.cooling.length) all.push(button("end-cooldown", "End cooldown"));
    if (!account.can_serve && account.state !== "cooling") all.push(button("enable", "Use again", false));
    all.push(button("disable", "Disable"));
  }
  return all;
}

function applyFilter() {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  let visible = 0;
  for (const account of accounts) {
    const text = `${account.name} ${account.kind} ${account.title} ${account.id}`.toLowerCase();
    const fits = words.every((word) => text.includes(word));
    shown.get(account.id).element.hidden = !fits;
    visible += fits;
  }
  say(at("accounts-count"), visible === accounts.length ? (accounts.length ? count(visible, "account") : "") : `${visible} of ${count(accounts.length, "account")}`);
}

let offset = 0; // of the gateway's clock to this one's, in seconds

/** Let the countdowns go by the gateway's clock. */
export function goBy(now) {
  offset = now - Date.now() / 1000;
}

/** The gateway's time, in POSIX seconds. */
export const gatewayTime = () => Date.now() / 1000 + offset;

/** Let the countdowns count. */
function tick() {
  const now = gatewayTime();
  for (const element of document.querySelectorAll("time[data-until]")) {
    const left = Number(element.dataset.until) - now;
    say(element, left > 0 ? `in ${span(left)}` : "now");
  }
}

at("filter").addEventListener("input", (event) => {
  filter = event.target.value;
  applyFilter();
});
setInterval(tick, 1000);
