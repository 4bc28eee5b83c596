// Follows a run while it works: its page is fetched again and the parts that differ are replaced,
// and the log is read on from where it ends.
"use strict";

const PAGE_MILLISECONDS = 2000;
const LOG_MILLISECONDS = 400;
const MOST_CHARACTERS = 2_000_000;

const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));
const running = () => document.querySelector("[data-running]") !== null;

async function answered(address) {
  const contact = document.getElementById("contact");
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const text = await answer.text();
    if (contact?.textContent) contact.textContent = "";
    return text;
  } catch {
    const said = "No answer from beltline ui; trying again.";
    if (contact && contact.textContent !== said) contact.textContent = said;
    return null;
  }
}

async function followPage() {
  // Not that of the page: without a node, it shows the one that matters most by then.
  const address = document.getElementById("run").dataset.address;
  while (running()) {
    await pause(PAGE_MILLISECONDS);
    const text = await answered(address);
    if (text === null) continue;
    const page = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement?.id;
    for (const part of document.querySelectorAll("[data-part]")) {
      const now = page.getElementById(part.id);
      if (now && now.outerHTML !== part.outerHTML) part.replaceWith(now);
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
}

function append(log, piece) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  if (piece.start !== Number(log.dataset.end)) log.textContent = "";
  if (piece.text) log.append(piece.text);
  log.dataset.end = piece.end;
  while (log.childNodes.length > 1 && log.textContent.length > MOST_CHARACTERS) {
    log.firstChild.remove();
  }
  if (atEnd) log.scrollTop = log.scrollHeight;
}

async function followLog(log) {
  for (let last = false; !last; ) {
    // Once more after the end: what the node wrote last is there then.
    last = !running();
    const text = await answered(`${log.dataset.address}?from=${log.dataset.end}`);
    const piece = text === null ? { more: false } : JSON.parse(text);
    if (text !== null && (piece.text || piece.start !== Number(log.dataset.end))) append(log, piece);
    if (piece.more) last = false;
    else if (!last) await pause(LOG_MILLISECONDS);
  }
}

const log = document.getElementById("log");
if (log) {
  log.scrollTop = log.scrollHeight;
  followLog(log);
}
followPage();
