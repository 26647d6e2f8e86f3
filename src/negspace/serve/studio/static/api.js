// Calls to the server. Errors are shown in the words of the server, and a session that is over leads to sign-in.

export const page = JSON.parse(document.getElementById("page-data").textContent);
const csrf = document.querySelector('meta[name="csrf-token"]').content;

/** A text of the page's language; {name} is replaced by values.name. */
export function text(key, values = {}) {
  return page.texts[`js.${key}`].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** An error that the server answered with. */
export class Refused extends Error {}

export async function call(path, { method = "GET", body, signal, raw } = {}) {
  const headers = { "X-CSRF-Token": csrf };
  if (body !== undefined && !raw) headers["Content-Type"] = "application/json";
  const sent = body === undefined || raw ? body : JSON.stringify(body);
  const response = await fetch(path, { method, headers, signal, body: sent, credentials: "same-origin" });
  if (response.status === 401) location.assign("/studio/sign-in");
  if (!response.ok) throw new Refused(await reason(response));
  return response;
}

async function reason(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

export const getJson = async (path, options) => (await call(path, options)).json();
export const postJson = (path, body, signal) => getJson(path, { method: "POST", body, signal });

/** The server-sent events of a reply: yields {name, data} until it ends. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const name = /^event: (.*)$/m.exec(part)?.[1];
      const data = /^data: (.*)$/m.exec(part)?.[1];
      if (name && data) yield { name, data: JSON.parse(data) };
    }
  }
}

/** Make pictures. `on` has a function for "progress" and "preview"; the result is that of the job. */
export async function generate(request, { query = {}, previews = 6, on = {}, signal } = {}) {
  const parameters = new URLSearchParams({ reply: "events", previews, ...query });
  const response = await call(`/api/generate?${parameters}`, { method: "POST", body: request, signal });
  for await (const { name, data } of events(response)) {
    if (name === "done") return data;
    if (name === "failed") throw new Refused(data.error.message);
    on[name]?.(data);
  }
  throw new Refused(text("interrupted"));
}

let hiding;
/** Say something to the reader, for some seconds. */
export function notice(message) {
  const box = document.getElementById("notice");
  box.textContent = message;
  box.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (box.hidden = true), 8000);
}

/** Run something; what the server refuses is shown, what was cancelled is not. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    notice(error.message);
    if (!(error instanceof Refused)) console.error(error);
    return undefined;
  }
}

/** A new element with properties and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function debounce(action, milliseconds) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), milliseconds);
  };
}
