/**
 * Scanning: what a keyboard scanner types goes to the case in hand, wherever the focus stands, and leaves no trace in the
 * field that had it. The same box takes what is pasted or typed, and what the camera of this machine sees.
 */
import { onQuiet, requestUnderWay } from "./background";
import { focusWork, message, onContent } from "./dom";
import { MAX_SCAN, ScanKeys, isReceipt, tidy, type Scan } from "./scan-keys";
import type { look } from "./scan-camera";

/** A pause is noticed later than the keys' own time would have it: on a busy machine they come in heaps. */
const NOTICED_MS = 500;
/** How long a sentence about a scan stays. */
const TOLD_MS = 10_000;

type Carrier = "keyboard" | "camera";
type Written = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
/** Where the focus was before a scanner typed, and what stood there. */
type Before = { element: HTMLElement; value: string | null; start: number | null; end: number | null };

const keys = new ScanKeys();
let before: Before | null = null;
let pause: number | undefined;
let telling: number | undefined;
/** A scan that waits until the page is at rest. */
let waiting: { text: string; carrier: Carrier } | null = null;
let sent = false;
let camera: AbortController | null = null;

/** Starts listening: before everything else that listens to keys. */
export function startScan(): void {
  window.addEventListener("keydown", pressed, true);
  document.addEventListener("toggle", toggled, true);
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("#camera")) void openCamera();
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { detail } = event as CustomEvent<{ elt: Element }>;
    if (!detail.elt.closest("#scan")) return;
    sent = true;
    message("checking", true);
  });
  onQuiet(atRest);
  onContent((part) => {
    const button = part.querySelector<HTMLElement>("#camera");
    if (button) button.hidden = !navigator.mediaDevices;
    // The box with the picture has left the page.
    if (camera && !document.getElementById("camera-view")) camera.abort();
  });
}

/** Tells that a code was scanned where no case is in hand. */
export function scannedNowhere(): void {
  tell("unplaced");
}

function pressed(event: KeyboardEvent): void {
  const element = document.activeElement instanceof HTMLElement ? document.activeElement : document.body;
  if (keys.begins(event.timeStamp)) before = remember(element);
  const step = keys.press({
    at: event.timeStamp,
    code: event.code,
    key: event.key,
    shift: event.shiftKey,
    modified: event.ctrlKey || event.altKey || event.metaKey,
    repeat: event.repeat,
    inText: valueOf(element) !== null,
    secret: element instanceof HTMLInputElement && element.type === "password",
  });
  if (step.swallow) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  if (step.began) takeAway();
  clearTimeout(pause);
  pause = window.setTimeout(() => finish(keys.pause()), NOTICED_MS);
  finish(step.scan);
  if (event.key === "Escape" && element.closest("#scan[open]")) {
    event.preventDefault();
    event.stopImmediatePropagation();
    close();
  }
}

function valueOf(element: HTMLElement): string | null {
  const written = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;
  return written ? (element as Written).value : null;
}

function remember(element: HTMLElement): Before {
  const value = valueOf(element);
  const selects = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
  return { element, value, start: selects ? element.selectionStart : null, end: selects ? element.selectionEnd : null };
}

/** Puts back what stood in the field, and takes the focus away: no input method composes the rest of the code. */
function takeAway(): void {
  if (!before) return;
  const { element, value } = before;
  restore(element, value);
  if (element !== document.body) element.blur();
  // Leaving the field may have put in what the input method was composing.
  restore(element, value);
}

function restore(element: HTMLElement, value: string | null): void {
  if (value === null || valueOf(element) === value) return;
  (element as Written).value = value;
  element.dispatchEvent(new Event("input", { bubbles: true }));
}

function finish(scan: Scan | null): void {
  if (!scan) return;
  const was = before;
  before = null;
  if (was && was.element.isConnected && was.element !== document.body) {
    restore(was.element, was.value);
    was.element.focus({ preventScroll: true });
    if (was.start !== null && (was.element instanceof HTMLInputElement || was.element instanceof HTMLTextAreaElement)) {
      was.element.setSelectionRange(was.start, was.end ?? was.start);
    }
  }
  if ("unread" in scan) tell("unread");
  else if (scan.text) hand(scan.text, "keyboard");
}

/** To the case in hand, once the page is at rest. */
function hand(text: string, carrier: Carrier): void {
  waiting = { text, carrier };
  if (!requestUnderWay()) send();
}

function atRest(): void {
  if (sent) {
    sent = false;
    message("checking", false);
    form()?.reset();
  }
  send();
}

function send(): void {
  if (!waiting) return;
  const { text, carrier } = waiting;
  waiting = null;
  const looks = isReceipt(text) ? searchFor(text) : null;
  if (looks) {
    looks.requestSubmit();
    return;
  }
  const target = form();
  if (!target) {
    tell("unplaced");
    return;
  }
  if (tidy(text).length > MAX_SCAN) {
    tell("unread");
    return;
  }
  field(target, "text").value = tidy(text);
  field(target, "carrier").value = carrier;
  document.querySelector<HTMLDialogElement>("dialog[open]")?.close();
  target.requestSubmit();
}

/**
 * The search for the case of a printed receipt: where the focus is in it, or where no case is in hand. Nothing that somebody is just
 * writing elsewhere is left for it.
 */
function searchFor(text: string): HTMLFormElement | null {
  const search = document.querySelector<HTMLFormElement>("form.find");
  const active = document.activeElement;
  const writing = active instanceof HTMLElement && valueOf(active) !== null;
  if (!search || !(search.contains(active) || (!form() && !writing))) return null;
  field(search, "q").value = tidy(text);
  return search;
}

function form(): HTMLFormElement | null {
  return document.querySelector<HTMLFormElement>("#scan form");
}

function field(of: HTMLFormElement, name: string): HTMLInputElement {
  return of.elements.namedItem(name) as HTMLInputElement;
}

function tell(id: "unplaced" | "unread"): void {
  message("unplaced", id === "unplaced");
  message("unread", id === "unread");
  clearTimeout(telling);
  telling = window.setTimeout(() => {
    message("unplaced", false);
    message("unread", false);
  }, TOLD_MS);
}

function toggled(event: Event): void {
  const box = event.target as Element;
  if (!(box instanceof HTMLDetailsElement) || box.id !== "scan") return;
  if (box.open) box.querySelector<HTMLElement>("#scanned")?.focus();
  else camera?.abort();
}

function close(): void {
  const box = document.querySelector<HTMLDetailsElement>("#scan");
  if (box) box.open = false;
  focusWork(document);
}

async function openCamera(): Promise<void> {
  const button = document.getElementById("camera");
  const view = document.getElementById("camera-view");
  const says = document.getElementById("camera-says");
  if (camera || !(view instanceof HTMLVideoElement) || !button || !says) return;
  const own = new AbortController();
  camera = own;
  says.hidden = true;
  try {
    const module = (await import(new URL(button.dataset.module ?? "", window.location.href).href)) as { look: typeof look };
    const text = await module.look(view, own.signal);
    if (text !== null && view.isConnected) hand(text, "camera");
  } catch (fault) {
    const why = (fault as { why?: string }).why === "denied" ? says.dataset.denied : says.dataset.none;
    says.textContent = why ?? "";
    says.hidden = false;
  } finally {
    camera = null;
  }
}
