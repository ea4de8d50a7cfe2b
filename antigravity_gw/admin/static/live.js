// What changes by itself: told by events, or asked for where those do not come.

import { get } from "./api.js";

const SECTIONS = ["accounts", "latest", "status", "requests", "failures"];
const SILENCE = 6000; // a status comes every second: after so many ms there is no line
const POLL = 5000;

/**
 * Call *tell(section, value)* for whatever is new, and *line(state)* when the
 * connection changes: "live", "polling" or "lost".
 */
export function follow(tell, line) {
  let source = null;
  let heard = 0;
  let polling = false;

  function connect() {
    source?.close();
    source = new EventSource("api/events");
    for (const section of SECTIONS) {
      source.addEventListener(section, (event) => {
        heard = Date.now();
        line("live");
        tell(section, JSON.parse(event.data));
      });
    }
  }

  /** Without events: ask, and say plainly if there is no answer. */
  async function poll() {
    if (polling) return;
    polling = true;
    try {
      const all = await get("snapshot");
      if (Date.now() - heard > SILENCE) line("polling");
      for (const section of SECTIONS) tell(section, all[section]);
    } catch {
      if (Date.now() - heard > SILENCE) line("lost");
    } finally {
      polling = false;
    }
  }

  let asked = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (document.hidden || now - heard < SILENCE || now - asked < POLL) return;
    asked = now;
    poll();
    // A browser gives up for good after some answers, such as a 401 or a 503.
    if (source.readyState === EventSource.CLOSED) connect();
  }, 1000);
  /** While nobody looks there is no line. */
  function look() {
    if (document.hidden) source?.close();
    else connect();
  }
  document.addEventListener("visibilitychange", look);
  look();
}
