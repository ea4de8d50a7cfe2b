// Asking the gateway, and telling it what to do.

let session = null;

export class Refused extends Error {}

async function answered(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // not JSON: a proxy has answered
  }
  if (!response.ok || body === null) {
    throw new Refused(body?.error?.message ?? `the answer was HTTP ${response.status}`);
  }
  return body;
}

/** What there is at a path below `api/`. */
export async function get(path) {
  return answered(await fetch(`api/${path}`, { headers: { accept: "application/json" } }));
}

/** Who looks, and the token that it takes to change something. */
export async function whoami(anew = false) {
  if (session === null || anew) session = await get("session");
  return session;
}

/** Have something done.  A restart of the daemon makes the token void: ask again, once. */
export async function post(path, said = {}) {
  const send = async (anew) =>
    fetch(`api/${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-csrf-token": (await whoami(anew)).csrf_token,
      },
      body: JSON.stringify(said),
    });
  let response = await send(false);
  if (response.status === 403) response = await send(true);
  return answered(response);
}
