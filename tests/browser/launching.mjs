// The browser that the other scripts drive.

import { chromium } from "playwright-core";

export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The browser that was named, or else the one in the package. */
export async function executable(named) {
  if (named) {
    return named;
  }
  const { default: packed } = await import("@sparticuz/chromium");
  packed.setGraphicsMode = false;
  return packed.executablePath();
}

/** A browser without a window. */
export async function launched(named) {
  return chromium.launch({ executablePath: await executable(named), args: FLAGS, headless: true });
}
