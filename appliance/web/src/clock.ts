/** The clock of the box, and countdowns. */
import { all, onContent } from "./dom";

const ends = new WeakMap<Element, number>();

/** Moves clock and countdowns on. Lengths come from the server, so that a wrong clock here changes nothing. */
export function startClock(): void {
  onContent((part) => {
    const now = performance.now();
    for (const element of all<HTMLElement>(part, "[data-left], [data-now]")) ends.set(element, told(element, now));
  });
  window.setInterval(tick, 250);
}

/** When a countdown ends, or what a clock showed when this page began, counted from what the server has told just now. */
function told({ dataset }: HTMLElement, now: number): number {
  return dataset.left === undefined ? Number(dataset.now) - now : now + Number(dataset.left);
}

/** The same as it was first counted. A part that has just been exchanged may be met here before it is announced. */
function known(element: HTMLElement, now: number): number {
  const end = ends.get(element) ?? told(element, now);
  ends.set(element, end);
  return end;
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
    const left = Math.max(0, known(element, now) - now);
    if (element instanceof HTMLProgressElement) element.value = left;
    else say(element, minutes(left));
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-now]")) {
    say(element, timeOfDay(known(element, now) + now));
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
