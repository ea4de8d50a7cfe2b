// The course of an hour or a day: four plots, each with a sentence and a table.

import { get } from "./api.js";
import { at, chosen, h, say } from "./dom.js";
import { brief, clock, count, wait, when } from "./format.js";

/* global uPlot */

const perSecond = (values, step) => values.map((n) => n / step);
const perMinute = (values, step) => values.map((n) => (n * 60) / step);
const tenth = (n) => (n < 10 ? n.toFixed(n && n < 0.095 ? 2 : 1) : brief(n));

const PLOTS = [
  {
    title: "Requests per second", unit: "/ s", show: tenth,
    series: [{ name: "requests", color: "--plot-1", of: (d) => perSecond(d.requests, d.step) }],
    told: (d) => count(sum(d.requests), "request"),
  },
  {
    title: "Errors per minute", unit: "/ min", show: tenth,
    series: [{ name: "errors", color: "--plot-bad", of: (d) => perMinute(d.errors, d.step) }],
    told: (d) => count(sum(d.errors), "error"),
  },
  {
    title: "Time to the first event", unit: "", show: wait,
    series: [
      { name: "half of all", color: "--plot-1", of: (d) => d.first_p50 },
      { name: "95 %", color: "--plot-2", of: (d) => d.first_p95, bare: true },
    ],
    told: () => "", lead: "half of the answers began within",
  },
  {
    title: "Tokens per minute", unit: "/ min", show: brief,
    series: [{ name: "tokens", color: "--plot-1", of: (d) => perMinute(d.tokens, d.step) }],
    told: (d) => `${brief(sum(d.tokens))} tokens`,
  },
];

const sum = (values) => values.reduce((a, b) => a + b, 0);
const HEIGHT = 150;
const cards = []; // each: its plot, elements, and the uPlot once it is drawn
let data = null;
let range = "hour";

/** Make the figures; they are filled when there are numbers. */
export function makePlots() {
  for (const plot of PLOTS) {
    const [title, value, canvas, summary, body] = [h("h3", {}, plot.title), h("span", { class: "n" }), h("div", { class: "canvas", "aria-hidden": "true" }), h("p", { class: "sub" }), h("div", { class: "table", tabindex: 0, role: "region", "aria-label": `${plot.title}, as a table` })];
    const legend = plot.series.length > 1 ? h("span", { class: "legend" }, plot.series.map((s) => h("span", { dataset: { color: s.color } }, s.name))) : null;
    const details = h("details", { on: { toggle: () => fillTable(card) } }, h("summary", {}, "As a table"), body);
    const card = { plot, value, canvas, summary, details, body, drawn: null };
    cards.push(card);
    at("plots").append(h("figure", { class: "panel" }, h("figcaption", {}, title, legend, value), canvas, summary, details));
  }
  new ResizeObserver(() => cards.forEach(fit)).observe(at("plots"));
  addEventListener("themechange", () => cards.forEach(draw));
}

/** Show the range that is chosen. */
export async function showRange() {
  const name = (range = chosen("range"));
  const fresh = await get(`plots?range=${name}`);
  if (range !== name) return; // another was chosen meanwhile
  data = fresh;
  cards.forEach(update);
}

/** Another minute is over. */
export async function showLatest(latest) {
  if (data === null || range !== "hour") return;
  const [minute] = latest.start;
  const [last] = data.start.slice(-1);
  if (minute <= last) return;
  if (minute > last + latest.step) return showRange(); // some were missed
  for (const name of Object.keys(latest)) {
    if (name === "step") continue;
    data[name].push(latest[name][0]);
    data[name].shift();
  }
  cards.forEach(update);
}

const columnsOf = (card) => [data.start, ...card.plot.series.map((s) => s.of(data))];

function update(card) {
  const columns = columnsOf(card);
  if (card.drawn) card.drawn.setData(columns);
  else draw(card);
  const peak = Math.max(...columns[1].filter((n) => n !== null), 0);
  const where = columns[1].indexOf(peak);
  const time = range === "hour" ? "the last hour" : "the last day";
  const told = card.plot.told(data);
  say(card.summary, peak ? `${told ? `${told} in ${time}, ` : ""}${card.plot.lead ?? "at most"} ${card.plot.show(peak)} ${card.plot.unit}${card.plot.lead ? " at most," : ""} at ${clock(columns[0][where])}` : `nothing in ${time}`);
  if (card.details.open) fillTable(card);
}

function fillTable(card) {
  if (!card.details.open || data === null) return;
  const columns = columnsOf(card);
  const cell = (v) => (v === null ? "–" : card.plot.show(v));
  const rows = columns[0].map((start, n) => h("tr", {}, h("th", { scope: "row" }, when(start)), columns.slice(1).map((c) => h("td", { class: "n" }, cell(c[n]))))).reverse();
  card.body.replaceChildren(
    h("table", {}, h("caption", { class: "hidden" }, card.plot.title),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), card.plot.series.map((s) => h("th", { scope: "col", class: "n" }, s.name)))),
      h("tbody", {}, rows)),
  );
}

/** The colours of the page as a canvas wants them, which knows no variables. */
function colours(place) {
  const probe = h("span");
  place.append(probe);
  const style = getComputedStyle(probe);
  const font = `11px ${style.fontFamily}`;
  const found = {};
  for (const name of ["--grid", "--muted", "--plot-1", "--plot-2", "--plot-bad"]) {
    probe.style.color = `var(${name})`;
    found[name] = style.color;
  }
  probe.remove();
  return { font, color: (name) => found[name] };
}

const faint = (color) => color.replace("rgb(", "rgba(").replace(")", ", 0.12)");

function draw(card) {
  card.drawn?.destroy();
  card.drawn = null;
  if (data === null) return;
  const { color, font } = colours(card.canvas);
  const grid = { stroke: color("--grid"), width: 1 };
  const axis = { stroke: color("--muted"), font, grid, ticks: { show: false } };
  const options = {
    width: Math.max(100, card.canvas.clientWidth), height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, sync: { key: "course" }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, size: 22, gap: 4, grid: { show: false }, values: (_, ticks) => ticks.map((t) => clock(t)) },
      { ...axis, size: 46, gap: 4, space: 36, values: (_, ticks) => ticks.map((t) => (card.plot.show === wait ? `${+t.toPrecision(3)} s` : brief(t))) },
    ],
    series: [{}, ...card.plot.series.map((s) => ({ stroke: color(s.color), width: 1.5, fill: s.bare ? undefined : faint(color(s.color)), spanGaps: false, points: { show: false } }))],
    hooks: { setCursor: [(drawn) => point(card, drawn)] },
  };
  card.drawn = new uPlot(options, columnsOf(card), card.canvas);
}

/** Tell the values under the pointer. */
function point(card, drawn) {
  const n = drawn.cursor.idx;
  if (n === null || n === undefined) return say(card.value, "");
  const values = drawn.data.slice(1).map((c) => (c[n] === null || c[n] === undefined ? "–" : card.plot.show(c[n])));
  say(card.value, `${clock(drawn.data[0][n])}  ${values.join(" · ")} ${card.plot.unit}`);
}

function fit(card) {
  card.drawn?.setSize({ width: Math.max(100, card.canvas.clientWidth), height: HEIGHT });
}
