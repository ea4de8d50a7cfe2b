// Looks at the operator's page in a real browser, uses it, and says what it sees.
//
//   node admin.mjs '{"url": ..., "password": ..., "shots": ..., "pid": ...}'

import { createRequire } from "node:module";
import { launched } from "./launching.mjs";

const asked = JSON.parse(process.argv[2]);
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const seen = { complaints: [], strangers: [], violations: [], objections: [] };
const browser = await launched(asked.browser);

/** A page, and everything it does that it should not. */
async function opened(viewport, colorScheme = "light") {
  const context = await browser.newContext({
    viewport,
    colorScheme,
    reducedMotion: "reduce",
    deviceScaleFactor: asked.scale ?? 1,
    httpCredentials: asked.password ? { username: "operator", password: asked.password } : undefined,
  });
  const page = await context.newPage();
  const origin = new URL(asked.url).origin;
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && seen.complaints.push(m.text()));
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  page.on("request", (r) => r.url().startsWith(origin) || seen.strangers.push(r.url()));
  await page.addInitScript(() => {
    window.violations = [];
    addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  await page.goto(asked.url);
  await page.locator("#line[data-line=live]").waitFor();
  await page.locator("#plots canvas").nth(3).waitFor();
  await page.locator("#usage table, #usage .empty").waitFor();
  return page;
}

/** Done with a page; what its policy has stopped is noted. */
async function closed(page) {
  seen.violations.push(...(await page.evaluate(() => window.violations)));
  await page.context().close();
}

const shot = (page, name) =>
  asked.shots ? page.screenshot({ path: `${asked.shots}/admin-${name}.png`, fullPage: true }) : null;

const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** What axe has to object to. */
async function objections(page) {
  const source = (await import("node:fs")).readFileSync(AXE, "utf8");
  // By way of the debugger, which the page's policy does not concern.
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(" | ")}`);
}

const row = (page, id) => page.locator(`.account[data-id="${id}"]`);
const state = async (page, id) => (await row(page, id).locator(".badge").innerText()).trim();
const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.id);

/** Press a button of an account, and the one of the dialog that it opens. */
async function act(page, id, action) {
  await row(page, id).locator(`[data-action="${action}"]`).click();
  await page.locator(`#dialog [data-go="${action}"]`).click();
}

const acts = {
  async look() {
    const page = await opened(DESKTOP);
    seen.title = await page.title();
    seen.verdict = await page.locator("#verdict-text").innerText();
    seen.accounts = await page.locator(".account").evaluateAll((rows) =>
      rows.map((r) => [r.querySelector("h3").textContent, r.querySelector(".badge").textContent]));
    seen.quotas = await page.locator(".quota").allInnerTexts();
    seen.tiles = await page.locator("#tiles dd").allInnerTexts();
    seen.failures = await page.locator("#failures tbody tr").allInnerTexts();
    seen.requests = await page.locator("#requests tbody tr").allInnerTexts();
    seen.usage = (await page.locator("#usage tfoot tr").allInnerTexts()).join();
    seen.countdowns = await page.locator("time[data-until]").allInnerTexts();
    seen.summaries = await page.locator("figure > .sub").allInnerTexts();
    seen.hacked = await page.evaluate(() => window.hacked === undefined ? "no" : "yes");
    seen.objections.push(...(await objections(page)));
    await shot(page, "light");
    await closed(page);
    const dark = await opened(DESKTOP, "dark");
    seen.objections.push(...(await objections(dark)));
    await shot(dark, "dark");
    await closed(dark);
    const phone = await opened(PHONE);
    seen.overflow = await overflow(phone);
    seen.objections.push(...(await objections(phone)));
    await shot(phone, "phone");
    await closed(phone);
  },

  async choices() {
    const page = await opened(DESKTOP);
    await page.locator("#plots summary").first().click();
    seen.hour = await page.locator("#plots figure:first-child tbody tr").count();
    await page.getByRole("radio", { name: "1 day" }).check({ force: true });
    await page.waitForFunction(() => document.querySelectorAll("#plots figure:first-child tbody tr").length > 100);
    seen.day = await page.locator("#plots figure:first-child tbody tr").count();
    await page.getByRole("radio", { name: "Model" }).check({ force: true });
    await page.getByRole("radio", { name: "7 days" }).check({ force: true });
    await page.locator("#usage caption", { hasText: "Usage by model" }).waitFor({ state: "attached" });
    seen.models = await page.locator("#usage tbody th .main").allInnerTexts();
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    seen.themes = [];
    for (let n = 0; n < 3; n++) {
      await page.locator("#theme").click();
      seen.themes.push([await page.locator("#theme").innerText(), await background()]);
      if (n === 1) {
        await page.reload();
        seen.kept = [await page.locator("#theme").innerText(), await background()];
      }
    }
    await closed(page);
  },

  async actions() {
    const page = await opened(PHONE);
    const { well, disabled, cooling } = asked;
    await act(page, disabled, "enable");
    await row(page, disabled).locator('[data-action="disable"]').waitFor();
    seen.enabled = await state(page, disabled);
    await act(page, cooling, "end-cooldown");
    await row(page, cooling).locator('.badge[data-grade="ok"]').waitFor();
    seen.warmed = await state(page, cooling);
    await act(page, well, "test");
    await page.locator("#dialog .outcome").waitFor();
    seen.tested = await page.locator("#dialog .outcome").innerText();
    seen.objections.push(...(await objections(page)));
    await page.keyboard.press("Enter");
    await page.locator("#dialog").waitFor({ state: "hidden" });
    seen.back = await focused(page);
    await act(page, well, "test");
    await page.locator("#dialog [role=alert]").waitFor();
    seen.again = await page.locator("#dialog [role=alert]").innerText();
    await page.keyboard.press("Escape");
    await closed(page);
    seen.complaints = seen.complaints.filter((text) => !text.includes("429"));
  },

  /** While a test of one account takes its time, another is about to be disabled. */
  async meanwhile() {
    const page = await opened(DESKTOP);
    let answer;
    const asking = new Promise((resolve) => (answer = resolve));
    await page.route("**/test", async (route) => {
      await asking;
      await route.continue();
    });
    await act(page, asked.well, "test");
    await page.keyboard.press("Escape");
    await row(page, asked.cooling).locator('[data-action="disable"]').click();
    const dialog = () => page.locator("#dialog").innerText();
    const before = await dialog();
    answer();
    await page.locator("#said.shown").waitFor();
    seen.said = await page.locator("#said").innerText();
    seen.untouched = (await dialog()) === before;
    await closed(page);
  },

  /** Somebody is served: the numbers change, and what can be pressed stays. */
  async busy() {
    const page = await opened(DESKTOP);
    const buttons = page.locator(".account button");
    await buttons.evaluateAll((all) => all.forEach((button) => (button.marked = true)));
    const client = new AbortController();
    await fetch(`${new URL(asked.url).origin}/v1beta/models/sandbox-stall:streamGenerateContent?alt=sse`, {
      method: "POST",
      signal: client.signal,
      headers: { "x-goog-api-key": asked.key, "content-type": "application/json" },
      body: JSON.stringify({ contents: [{ role: "user", parts: [{ text: "Hi" }] }] }),
    });
    await page.locator(".serving", { hasText: "1 under way" }).waitFor();
    seen.marked = await buttons.evaluateAll((all) => all.every((button) => button.marked));
    await page.locator("#requests code").evaluate((id) => getSelection().selectAllChildren(id));
    seen.selected = [];
    for (let n = 0; n < 3; n++) {
      seen.selected.push(await page.evaluate(() => String(getSelection())));
      const up = await page.locator("#uptime").innerText();
      await page.waitForFunction((before) => document.getElementById("uptime").textContent !== before, up);
    }
    client.abort();
    await closed(page);
  },

  /** It is opened where nobody looks, and then somebody does. */
  async hidden() {
    const context = await browser.newContext({ httpCredentials: { username: "operator", password: asked.password } });
    const page = await context.newPage();
    await page.addInitScript(() => {
      window.isHidden = true;
      Object.defineProperty(document, "hidden", { get: () => window.isHidden });
    });
    const watched = [];
    page.on("request", (r) => r.url().endsWith("/events") && watched.push(r.url()));
    await page.goto(asked.url);
    await page.locator("#usage table").waitFor();
    seen.watched = watched.length;
    await page.evaluate(() => {
      window.isHidden = false;
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.locator("#line[data-line=live]").waitFor();
    await context.close();
  },

  /** What was used cannot be read. */
  async unread() {
    const page = await opened(DESKTOP);
    const body = JSON.stringify({ error: { code: 503, message: "the disk is failing", status: "UNAVAILABLE" } });
    await page.route("**/usage?*", (route) => route.fulfill({ status: 503, contentType: "application/json", body }));
    await page.getByRole("radio", { name: "Model" }).check({ force: true });
    await page.locator("#usage .empty").waitFor();
    seen.usage = await page.locator("#usage").innerText();
    await page.unroute("**/usage?*");
    await page.getByRole("radio", { name: "Account" }).check({ force: true });
    await page.locator("#usage table").waitFor();
    await closed(page);
    seen.complaints = seen.complaints.filter((text) => !text.includes("503"));
  },

  async keyboard() {
    const page = await opened(DESKTOP);
    await page.keyboard.press("Tab");
    seen.skip = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Enter");
    seen.skipped = await focused(page);
    const button = `[data-id="${asked.well}"] [data-action="disable"]`;
    let tabs = 0;
    while (tabs < 60 && !(await page.locator(`${button}:focus`).count())) {
      await page.keyboard.press("Tab");
      tabs += 1;
    }
    seen.outline = await page.locator(button).evaluate((b) => getComputedStyle(b).outlineStyle);
    await page.keyboard.press("Enter");
    seen.dialog = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Escape");
    await page.locator("#dialog").waitFor({ state: "hidden" });
    seen.escaped = await focused(page);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await row(page, asked.well).locator('[data-action="enable"]').waitFor();
    seen.disabled = await state(page, asked.well);
    seen.said = await page.locator("#said").innerText();
    seen.stayed = await focused(page);
    await row(page, asked.disabled).locator('[data-action="enable"]').focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await row(page, asked.disabled).locator('[data-action="disable"]').waitFor();
    seen.moved = await focused(page);
    await closed(page);
  },

  async lost() {
    const page = await opened(DESKTOP);
    process.kill(asked.pid, "SIGTERM");
    await page.locator("#line[data-line=lost]").waitFor();
    seen.lost = [await page.locator("#verdict-text").innerText(), await page.locator("#line").innerText()];
    await shot(page, "lost");
    await closed(page);
    seen.complaints = seen.complaints.filter((text) => !text.includes("ERR_CONNECTION"));
  },
};

try {
  for (const name of asked.acts) await acts[name]();
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
