// What an operator can do about an account: asked for in a dialog, done, and told.

import { post, whoami } from "./api.js";
import { at, h } from "./dom.js";

const WORDS = {
  disable: {
    title: (name) => `Disable ${name}?`,
    body: "It is used no more, but kept. Requests that it serves now go on; the other accounts serve the next ones.",
    button: "Disable",
  },
  enable: {
    title: (name) => `Use ${name} again?`,
    body: "Whatever was learnt of it is forgotten, and it serves again from the next request on.",
    button: "Use again",
  },
  "end-cooldown": {
    title: (name) => `End the cooldown of ${name}?`,
    body: "It is asked again at once. If what made it rest still holds, it will rest again.",
    button: "End cooldown",
  },
  test: {
    title: (name) => `Test ${name}`,
    body: "It is asked one small question, as a client would ask, which uses a few tokens. No client is served with it meanwhile if it does not serve now.",
    button: "Ask",
  },
};

let told; // the timer of what was said last

/** Say what came of something, to eyes and to screen readers. */
export function announce(text) {
  const place = at("said");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(told);
  told = setTimeout(() => place.classList.remove("shown"), 8000);
}

/** Ask whether to do *action* to *account*, and do it. */
export async function ask(action, account) {
  const words = WORDS[action];
  const dialog = at("dialog");
  at("dialog-title").textContent = words.title(account.name);
  const select = action === "test" ? await models() : null;
  at("dialog-body").replaceChildren(h("p", {}, words.body), ...(select ? [h("label", { class: "field" }, "Model", select)] : []));
  const go = h("button", { type: "button", dataset: { go: action } }, words.button);
  const cancel = h("button", { type: "button", class: "quiet", on: { click: () => dialog.close() } }, "Cancel");
  at("dialog-buttons").replaceChildren(cancel, go);
  go.addEventListener("click", () => carryOut(action, account, select, go, cancel));
  dialog.addEventListener("close", () => refocus(account.id, `[data-action="${action}"]`), { once: true });
  dialog.showModal();
  go.focus();
}

/** Back to a part of an account's row, which may be another by now. */
export function refocus(id, part) {
  const row = document.querySelector(`.account[data-id="${CSS.escape(id)}"]`);
  (row?.querySelector(part) ?? row?.querySelector("button"))?.focus();
}

async function models() {
  let names = [];
  try {
    names = (await whoami()).models;
  } catch {
    // the answer to the test will say what is wrong
  }
  return names.length ? h("select", {}, names.map((name) => h("option", { value: name }, name))) : null;
}

async function carryOut(action, account, select, go, cancel) {
  const dialog = at("dialog");
  // It may have been closed meanwhile, and be about another account by now.
  const isThere = () => dialog.open && go.isConnected;
  go.disabled = true;
  go.textContent = action === "test" ? "Asking …" : "Just a moment …";
  try {
    const done = await post(`accounts/${encodeURIComponent(account.id)}/${action}`, select ? { model: select.value } : {});
    if (action === "test" && isThere()) return showTest(done.test, go, cancel);
    if (isThere()) dialog.close();
    announce(`${account.name}: ${action === "test" ? `${verb(done.test)} ${done.test.model}` : done.result}.`);
  } catch (error) {
    const text = `It did not work: ${error.message}`;
    if (!isThere()) return announce(`${account.name}: ${text}`);
    at("dialog-body").append(h("p", { class: "outcome", dataset: { grade: "bad" }, role: "alert" }, text));
    go.remove();
    cancel.textContent = "Close";
    cancel.focus();
  }
}

const verb = (test) => (test.serves ? "It serves" : "It does not serve");

function showTest(test, go, cancel) {
  const grade = test.serves ? "ok" : "bad";
  const lines = [h("p", {}, h("strong", {}, verb(test)), ` ${test.model}`, ` (${test.seconds.toFixed(1)} s).`)];
  if (test.reason) lines.push(h("p", {}, test.reason));
  if (!test.serves && test.to_do) lines.push(h("p", { class: "sub" }, `To do: ${test.to_do}`));
  at("dialog-body").replaceChildren(h("div", { class: "outcome", dataset: { grade }, role: "status" }, lines));
  go.remove();
  cancel.textContent = "Close";
  cancel.focus();
}
