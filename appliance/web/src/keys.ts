/**
 * Keys. A control that carries `data-key` answers to that key while it can be seen and used, and the bottom line
 * lists exactly those controls: it can never promise a key that does nothing.
 */
import { onContent } from "./dom";

/** Starts listening. */
export function startKeys(): void {
  document.addEventListener("keydown", pressed);
  onContent(() => window.requestAnimationFrame(listKeys));
}

function pressed(event: KeyboardEvent): void {
  // An input method is composing Chinese text: the key belongs to it.
  if (event.isComposing || event.keyCode === 229) return;
  const key = nameOf(event);
  const focused = document.activeElement;
  if (document.querySelector("dialog[open]")) return;
  if (key === "F1" || (key === "?" && !takesText(focused))) {
    event.preventDefault();
    document.querySelector<HTMLDialogElement>("#help")?.showModal();
    return;
  }
  if (key === "Esc" && focused instanceof HTMLInputElement && focused.type === "search") {
    focused.blur();
    return;
  }
  if (moveAmongRows(key, focused)) {
    event.preventDefault();
    return;
  }
  if (key === "Enter" && usesEnter(focused)) return;
  const control = controls().find((candidate) => candidate.dataset.key === key);
  if (!control) return;
  event.preventDefault();
  if (control instanceof HTMLInputElement) {
    control.focus();
    control.select();
  } else {
    control.click();
  }
}

/** Arrows go from row to row of a table; from the search above it, Enter and the arrow go into it. */
function moveAmongRows(key: string, focused: Element | null): boolean {
  const doors = [...document.querySelectorAll<HTMLElement>("table.rows tbody tr")].flatMap((row) => {
    const door = row.querySelector<HTMLElement>("a, button:not(:disabled)");
    return door ? [door] : [];
  });
  const searching = focused?.closest("[data-search]") && (key === "ArrowDown" || key === "Enter");
  if (searching) {
    doors[0]?.focus();
    return doors.length > 0;
  }
  const at = doors.findIndex((door) => door.closest("tr")?.contains(focused));
  const step = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
  if (at < 0 || step === 0) return false;
  const next = doors[at + step] ?? (step < 0 ? document.querySelector<HTMLElement>("[data-search] [type=search]") : null);
  next?.focus();
  return true;
}

/** "F2", "Ctrl+K", "Alt+1", "Enter", "Esc". */
function nameOf(event: KeyboardEvent): string {
  const key = event.key === "Escape" ? "Esc" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${key}`;
}

/** Whether Enter already means something where the focus is. */
function usesEnter(element: Element | null): boolean {
  return (
    element instanceof HTMLInputElement ||
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement ||
    element instanceof HTMLButtonElement ||
    element instanceof HTMLAnchorElement ||
    element?.tagName === "SUMMARY"
  );
}

/** Whether typing a character means that character where the focus is. */
function takesText(element: Element | null): boolean {
  if (element instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit", "file"].includes(element.type);
  return element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;
}

/** The controls whose keys work right now, those of the work first. */
function controls(): HTMLElement[] {
  const found = [...document.querySelectorAll<HTMLElement>("[data-key]")].filter(
    (control) => !control.matches(":disabled") && control.offsetParent !== null,
  );
  const page = document.getElementById("page");
  return found.sort((a, b) => Number(page?.contains(b)) - Number(page?.contains(a)));
}

function listKeys(): void {
  const line = document.getElementById("keys");
  if (!line) return;
  line.textContent = "";
  const seen = new Set<string>();
  let desks = 0;
  for (const control of controls()) {
    const key = control.dataset.key ?? "";
    if (key.startsWith("Alt+")) desks += 1;
    else if (!seen.has(key)) line.append(hint(key, labelOf(control)));
    seen.add(key);
  }
  const rail = document.getElementById("rail");
  if (rail && desks > 0) line.append(hint(`Alt+1…${desks}`, rail.getAttribute("aria-label") ?? ""));
  const help = hint("?", line.dataset.help ?? "");
  help.className = "more";
  line.append(help);
}

function hint(key: string, label: string): HTMLElement {
  const span = document.createElement("span");
  const cap = document.createElement("kbd");
  cap.textContent = key;
  span.append(cap, ` ${label}`);
  return span;
}

function labelOf(control: HTMLElement): string {
  const copy = control.cloneNode(true) as HTMLElement;
  copy.querySelectorAll("kbd, .mute").forEach((cap) => cap.remove());
  return control.getAttribute("aria-label") ?? copy.textContent?.trim() ?? "";
}
