// Numbers and times as people read them.

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** A number with all its digits: 12,345. */
export const number = (n) => whole.format(n);

/** A number with the digits that matter: 12.3K. */
export const brief = (n) => short.format(n);

/** Bytes: 12.3 kB. */
export function bytes(n) {
  if (n < 1000) return `${n} B`;
  const [unit, size] = n < 1e6 ? ["kB", 1e3] : n < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const value = n / size;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

/** Seconds of waiting: 0.42 s, 12 s. */
export const wait = (s) => (s === null ? "–" : `${s < 10 ? s.toFixed(2) : Math.round(s)} s`);

/** A length of time, in two units at most: 4 min 12 s. */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => s >= size);
  if (first < 0) return "0 s";
  const [name, size] = units[first];
  const [next, nextSize] = units[first + 1] ?? ["", 0];
  const rest = nextSize ? Math.floor((s % size) / nextSize) : 0;
  return `${Math.floor(s / size)} ${name}` + (rest ? ` ${rest} ${next}` : "");
}

/** An RFC 3339 timestamp in POSIX seconds; null for none. */
export const moment = (text) => (text === null ? null : Date.parse(text) / 1000);

const two = (n) => String(n).padStart(2, "0");

/** The time of day of a moment in POSIX seconds: 14:05, with seconds if wanted. */
export function clock(seconds, exact = false) {
  const d = new Date(seconds * 1000);
  const text = `${two(d.getHours())}:${two(d.getMinutes())}`;
  return exact ? `${text}:${two(d.getSeconds())}` : text;
}

/** The same with the day, unless that is today. */
export function when(seconds, exact = false) {
  const d = new Date(seconds * 1000);
  const time = clock(seconds, exact);
  if (d.toDateString() === new Date().toDateString()) return time;
  return `${d.toLocaleDateString("en", { weekday: "short", month: "short", day: "numeric" })} ${time}`;
}

/** "1 account", "2 accounts". */
export const count = (n, thing) => `${number(n)} ${thing}${n === 1 ? "" : "s"}`;
