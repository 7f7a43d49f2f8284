/**
 * Looks again when the box says that something changed. Events carry no content: the page asks for itself and
 * exchanges the parts marked `data-live`, so a lost event costs nothing once the stream is back.
 */
import { adopt, onQuiet, requestUnderWay } from "./background";
import { focusWork, message, onContent, standsAlone } from "./dom";
import { formIsTouched, sessionEnded, somethingTyped } from "./forms";
import { scannedNowhere } from "./scan";

const TOPICS = ["frame", "case", "cases", "findings", "devices", "sync"];
/** The box sends at least a ping every 15 s. */
const SILENCE_MS = 40_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000];

let stream: EventSource | undefined;
let followed = "";
let seat = "";
let heard = 0;
let failures = 0;
const asked = new Set<string>();
let looking = false;
/** Parts as the server sent them, without what moves by itself. */
const served = new Map<string, string>();

/** Follows the box while the page can be seen; browsers allow only a few open streams. */
export function startLive(): void {
  if (!document.getElementById("rail")) return;
  onContent((part) => {
    for (const element of part.querySelectorAll<HTMLElement>("[data-live][id]")) {
      served.set(element.id, still(element.outerHTML));
    }
    const follow = document.getElementById("page")?.dataset.follow ?? "";
    // The box tells each window what concerns it: who has changed seats follows from the new one.
    const sits = document.querySelector<HTMLSelectElement>("#top select[name=window]")?.value ?? "";
    if (!stream || follow !== followed || sits !== seat) {
      seat = sits;
      open(follow);
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else {
      open(followed);
      look(TOPICS);
    }
  });
  onQuiet(() => look([]));
  window.setInterval(() => {
    if (stream && performance.now() - heard > SILENCE_MS) lost();
  }, 5_000);
}

function open(follow: string): void {
  close();
  followed = follow;
  heard = performance.now();
  const opened = new EventSource(follow ? `/live?case=${encodeURIComponent(follow)}` : "/live");
  stream = opened;
  opened.onopen = () => {
    heard = performance.now();
    message("lost", false);
    // What changed between the page's answer and this moment was told to nobody.
    look(TOPICS);
    failures = 0;
  };
  opened.onerror = lost;
  opened.addEventListener("ping", () => (heard = performance.now()));
  opened.addEventListener("scan", scannedNowhere);
  for (const topic of TOPICS) {
    opened.addEventListener(topic, () => {
      heard = performance.now();
      look([topic]);
    });
  }
}

function close(): void {
  stream?.close();
  stream = undefined;
}

function lost(): void {
  close();
  failures += 1;
  if (failures > 1) message("lost", true);
  const wait = RETRY_MS[Math.min(failures, RETRY_MS.length) - 1] ?? 5_000;
  window.setTimeout(() => {
    if (!stream && !document.hidden) open(followed);
  }, wait);
}

function look(topics: string[]): void {
  topics.forEach((topic) => asked.add(topic));
  if (!looking && !requestUnderWay()) void lookNow();
}

async function lookNow(): Promise<void> {
  looking = true;
  while (asked.size > 0 && !requestUnderWay()) {
    const topics = new Set(asked);
    asked.clear();
    const parts = [...document.querySelectorAll<HTMLElement>("[data-live][id]")].filter((part) =>
      part.dataset.live?.split(" ").some((topic) => topics.has(topic)),
    );
    const exchanged = parts.length === 0 || (await exchange(parts).catch(() => true));
    if (!exchanged) topics.forEach((topic) => asked.add(topic));
  }
  looking = false;
}

/** False when a form was sent meanwhile: its answer comes first, and then the page looks again. */
async function exchange(parts: HTMLElement[]): Promise<boolean> {
  const here = window.location.pathname + window.location.search;
  const onlyFrame = parts.every((part) => part.id === "line" || part.id === "rail");
  const desk = document.querySelector("#rail [aria-current]")?.getAttribute("href")?.slice(1) ?? "";
  const answer = await fetch(onlyFrame ? `/fragments/frame?at=${desk}` : here, { headers: { "HX-Request": "true" } });
  const html = await answer.text();
  if (requestUnderWay()) return false;
  if (standsAlone(html)) {
    if (somethingTyped()) sessionEnded();
    else window.location.reload();
    return true;
  }
  if (!answer.ok || here !== window.location.pathname + window.location.search) return true;
  const fresh = new DOMParser().parseFromString(html, "text/html");
  if (!onlyFrame && parts.some((part) => part.isConnected && !fresh.getElementById(part.id) && part.id !== "held")) {
    swapPage(fresh);
    return true;
  }
  for (const part of parts) {
    const next = fresh.getElementById(part.id);
    if (next && part.isConnected) swap(part, next);
  }
  return true;
}

/** The page has become another one (a case that was finished or taken over elsewhere). */
function swapPage(fresh: Document): void {
  const page = document.getElementById("page");
  const next = fresh.getElementById("page");
  if (!page || !next) return;
  page.replaceWith(document.adoptNode(next));
  adopt(next);
  focusWork(next);
}

function swap(part: HTMLElement, next: HTMLElement): void {
  const html = still(next.outerHTML);
  if (served.get(part.id) === html || formIsTouched(part, next)) return;
  const hadFocus = part.contains(document.activeElement) || document.activeElement === document.body;
  const focusedId = part.contains(document.activeElement) ? document.activeElement?.id : "";
  document.adoptNode(next);
  const written = keepTyped(part, next);
  part.replaceWith(next);
  served.set(next.id, html);
  adopt(next);
  const same = written ?? (focusedId ? document.getElementById(focusedId) : null);
  if (same) same.focus({ preventScroll: true });
  else if (hadFocus || next.id === "case-step") restoreFocus(next);
}

/** Gives the focus to the next thing to do, unless the clerk is somewhere else by choice. */
function restoreFocus(part: HTMLElement): void {
  const active = document.activeElement;
  const elsewhere = active && active !== document.body && active.id !== "page" && !part.contains(active);
  if (!elsewhere && part.querySelector("[data-focus]")) focusWork(part);
}

/** The HTML without countdowns, which change by themselves. */
function still(html: string): string {
  return html.replace(/ (?:data-left|value)="\d+"/g, "").replace(/>\d+:\d\d</g, "><");
}

/** What somebody is typing goes on in the new part. Returns the field that they were in. */
function keepTyped(part: HTMLElement, next: HTMLElement): HTMLElement | null {
  type Field = HTMLInputElement | HTMLTextAreaElement;
  let written: HTMLElement | null = null;
  for (const field of part.querySelectorAll<Field>("input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file]), textarea")) {
    const action = field.form?.getAttribute("action");
    if (!field.name || !action) continue;
    const twin = next.querySelector<Field>(`form[action="${action}"] [name="${field.name}"]`);
    if (!twin) continue;
    if (field.value !== field.defaultValue) twin.value = field.value;
    if (field === document.activeElement) written = twin;
  }
  return written;
}
