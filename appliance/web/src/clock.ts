/** The clock of the box, and countdowns. */
import { all, onContent } from "./dom";

const ends = new WeakMap<Element, number>();

/** Moves clock and countdowns on. Lengths come from the server, so that a wrong clock here changes nothing. */
export function startClock(): void {
  onContent((part) => {
    const now = performance.now();
    for (const element of all<HTMLElement>(part, "[data-left]")) {
      ends.set(element, now + Number(element.dataset.left));
    }
    for (const element of all<HTMLElement>(part, "[data-now]")) {
      ends.set(element, Number(element.dataset.now) - now);
    }
  });
  window.setInterval(tick, 250);
}

/** The page says that a session ends while there is time to finish. */
const WARN_MS = 600_000;

function tick(): void {
  const now = performance.now();
  const ending = document.getElementById("ending");
  if (ending) {
    const left = Number(ending.dataset.ends) - now;
    ending.hidden = left > WARN_MS || left <= 0;
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-left]")) {
    const left = Math.max(0, (ends.get(element) ?? now) - now);
    if (element instanceof HTMLProgressElement) element.value = left;
    else say(element, minutes(left));
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-now]")) {
    say(element, timeOfDay((ends.get(element) ?? 0) + now));
  }
}

function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** "1:32" */
function minutes(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "14:03:22" at the box, which stands in China wherever this browser thinks it is. */
function timeOfDay(epochMs: number): string {
  return new Date(epochMs + 8 * 3_600_000).toISOString().slice(11, 19);
}
