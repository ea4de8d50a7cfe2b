// Puts the parts of the page together.

import { gatewayTime, goBy, showAccounts } from "./accounts.js";
import { announce } from "./actions.js";
import { whoami } from "./api.js";
import { at, say } from "./dom.js";
import { follow } from "./live.js";
import { makePlots, showLatest, showRange } from "./plots.js";
import { showFailures, showRequests, showUsage } from "./requests.js";
import { showStatus, showTiles } from "./status.js";

const USAGE_EVERY = 30_000;
const PLOTS_EVERY = 60_000;
const LINES = { live: "live", polling: "asking every 5 s", lost: "connection lost" };

const seen = {}; // each section as it was told last
let line = "waiting";

const names = () => new Map((seen.accounts ?? []).map((account) => [account.id, account]));

const SHOW = {
  status(status) {
    goBy(status.now);
    showStatus(status, seen.accounts ?? []);
    showTiles(status, seen.latest);
    if (seen.requests?.count) SHOW.requests(seen.requests); // whose time goes on
  },
  accounts: showAccounts,
  requests: (requests) => showRequests(requests, names(), gatewayTime()),
  failures: (failures) => showFailures(failures, names()),
  latest: (latest) => quietly(() => showLatest(latest)),
};

function tell(section, value) {
  seen[section] = value;
  SHOW[section](value);
}

/** The connection has changed; it is said aloud when it is lost, and when it is back. */
function showLine(state) {
  if (state === line) return;
  if (state === "lost") {
    at("verdict").dataset.grade = "unknown";
    say(at("verdict-text"), "The connection to the gateway is lost.");
    say(at("verdict-more"), "What is shown below is how it was before. It is tried again by itself.");
    document.title = "? antigravity-gw: connection lost";
  } else if (line === "lost") {
    announce("The connection is back.");
    refresh();
  }
  line = state;
  at("line").dataset.line = state;
  say(at("line-text"), LINES[state]);
}

const quietly = (work) => work().catch(() => {}); // the line says it if nothing comes

function refresh() {
  quietly(showUsage);
  quietly(showRange);
  quietly(async () => {
    const { who } = await whoami(true);
    say(at("who"), who ? `You look with the operator's key “${who}”.` : "Shown to programs on this machine, without a key.");
  });
}

makePlots();
for (const id of ["usage-by", "usage-days"]) at(id).addEventListener("change", () => quietly(showUsage));
at("range").addEventListener("change", () => quietly(showRange));
setInterval(() => document.hidden || quietly(showUsage), USAGE_EVERY);
setInterval(() => document.hidden || quietly(showRange), PLOTS_EVERY);
refresh();
follow(tell, showLine);
