// Answers a consent page in a real browser, and says what it sees.
//
//   node consent.mjs '{"url": ..., "profile": ..., ...}'

import { chromium } from "playwright-core";

import { FLAGS, executable } from "./launching.mjs";

const asked = JSON.parse(process.argv[2]);

async function seen(page) {
  return {
    title: await page.title(),
    text: await page.locator("body").innerText(),
    url: page.url(),
  };
}

async function shot(page, name) {
  if (asked.shots) {
    await page.screenshot({ path: `${asked.shots}/${name}.png` });
  }
}

const context = await chromium.launchPersistentContext(asked.profile, {
  executablePath: await executable(asked.browser),
  args: FLAGS,
  headless: true,
});
try {
  const page = context.pages()[0];
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(asked.url);
  const question = {
    ...(await seen(page)),
    boxes: await page.locator("input[type=checkbox]").count(),
  };
  if (asked.account) {
    await page.getByLabel(asked.account).check();
  }
  for (const scope of asked.untick ?? []) {
    await page.locator(`input[type=checkbox][value$="${scope}"]`).uncheck();
  }
  await shot(page, "question");
  if (asked.choose) {
    const ended = page.waitForResponse((r) => r.url().includes("/oauth2callback"));
    await page.getByRole("button", { name: asked.choose }).click();
    const response = await ended;
    await page.waitForLoadState();
    await shot(page, "outcome");
    const status = response.status();
    console.log(JSON.stringify({ question, status, complaints, ...(await seen(page)) }));
  } else {
    console.log(JSON.stringify({ question, complaints }));
  }
} finally {
  await context.close();
}
