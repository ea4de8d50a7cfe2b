// Whether all is well, in one sentence and a few numbers.

import { at, fill, h, say } from "./dom.js";
import { brief, count, moment, number, span, wait } from "./format.js";

const NEEDY = (state) => !["serving", "cooling", "disabled"].includes(state);
const MANY_ERRORS = 0.1; // of the requests of a minute, and not of one or two only

/** Of a status, and of the accounts that need a person: how it is, in a word for the colours, and in sentences for people. */
function verdict(status, needy = []) {
  const accounts = Object.entries(status.accounts);
  const cooling = status.accounts.cooling ?? 0;
  const serving = status.accounts.serving ?? 0;
  const { requests, errors } = status.per_minute;
  const more = [];
  if (cooling) more.push(`${count(cooling, "account")} cooling, which ends by itself`);
  const told = (grade, text, extra = more) => ({ grade, text, more: extra });
  if (status.draining) return told("warn", "The daemon is ending: nobody new is served.");
  if (!accounts.length) return told("bad", "Nothing can be served: there is no account.");
  if (!status.ready) return told("bad", "Nothing can be served.", [status.why_not, ...more]);
  if (errors >= 3 && errors > MANY_ERRORS * requests) {
    return told("warn", "Many requests fail.", [`${Math.round((100 * errors) / requests)} % in the last minute`, ...more]);
  }
  if (needy.length) {
    const who = needy.slice(0, 3).map((a) => `${a.name} ${a.title}`);
    if (needy.length > 3) who.push(`and ${needy.length - 3} more`);
    const what = needy.length === 1 ? "an account needs" : `${needy.length} accounts need`;
    return told("warn", `Requests are served, but ${what} you.`, [...who, ...more]);
  }
  if (status.warnings.length) return told("warn", "Requests are served, but something is wrong.");
  if (cooling && !serving) return told("bad", "Every account is cooling.");
  return told("ok", "All is well.");
}

/** Show a status. */
export function showStatus(status, accounts) {
  const { grade, text, more } = verdict(status, accounts.filter((a) => NEEDY(a.state) && !a.can_serve));
  at("verdict").dataset.grade = grade;
  say(at("verdict-text"), text);
  say(at("verdict-more"), more.filter(Boolean).join("; "));
  document.title = `${grade === "ok" ? "✓" : "!"} antigravity-gw: ${text}`;
  const warnings = at("warnings");
  warnings.hidden = !status.warnings.length;
  fill(warnings, JSON.stringify(status.warnings), () => status.warnings.map((w) => h("li", {}, w)));
  say(at("version"), status.version);
  say(at("uptime"), `up ${span(status.now - moment(status.started))}`);
}

const TILES = ["Accounts serving", "Under way", "Requests / min", "Errors / min", "Tokens / min", "First event"];

/** Show the numbers of this moment.  *latest* has the last minute. */
export function showTiles(status, latest) {
  const place = at("tiles");
  if (!place.children.length) {
    for (const title of TILES) {
      place.append(h("div", {}, h("dt", {}, title), h("dd", {}, h("span", { class: "big" }), h("span", { class: "small" }))));
    }
  }
  const all = Object.values(status.accounts).reduce((a, b) => a + b, 0);
  const { requests, errors, tokens } = status.per_minute;
  const firsts = (values) => values?.findLast((value) => value !== null) ?? null;
  const [p50, p95] = [firsts(latest?.first_p50), firsts(latest?.first_p95)];
  const told = [
    [number(status.accounts.serving ?? 0), `of ${number(all)}`],
    [number(status.requests), count(status.streams, "stream")],
    [brief(Math.round(requests)), `${(requests / 60).toFixed(1)} / s`],
    [brief(Math.round(errors)), requests >= 1 ? `${Math.round((100 * errors) / requests)} %` : ""],
    [brief(Math.round(tokens)), ""],
    [wait(p50), p95 === null ? "" : `95 %: ${wait(p95)}`],
  ];
  told.forEach(([big, small], n) => {
    const [, value] = place.children[n].children;
    say(value.children[0], big);
    say(value.children[1], small);
  });
  place.children[3].dataset.grade = errors >= 1 ? "bad" : "";
}
