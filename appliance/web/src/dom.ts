/** What the other parts need of the document. */

/** Called with the part of the document that is new: once with all of it, then after every exchange. */
type Watcher = (part: ParentNode) => void;

const watchers: Watcher[] = [];

/** Runs `watcher` on what is there now and on everything that comes later. */
export function onContent(watcher: Watcher): void {
  watchers.push(watcher);
  watcher(document);
}

/** Tells the watchers that `part` is new. */
export function contentArrived(part: ParentNode): void {
  for (const watcher of watchers) watcher(part);
}

/** All matching elements in `part`, itself included. */
export function all<T extends Element>(part: ParentNode, selector: string): T[] {
  const found = [...part.querySelectorAll<T>(selector)];
  if (part instanceof Element && part.matches(selector)) found.unshift(part as unknown as T);
  return found;
}

/** Shows or hides one of the standing messages of the frame. */
export function message(id: "lost" | "slow" | "failed" | "ending" | "ended" | "checking" | "unplaced" | "unread", shown: boolean): void {
  const element = document.getElementById(id);
  if (element) element.hidden = !shown;
}

/** Puts the focus where the work is: on what asks for it, else on the main area, so that no key is lost. */
export function focusWork(part: ParentNode): void {
  const wanted = [...part.querySelectorAll<HTMLElement>("[data-focus], [autofocus]")].find(
    (element) => !element.matches(":disabled") && element.offsetParent !== null,
  );
  // Somebody is writing there already: what they wrote must not be selected, for the next key would replace it.
  if (wanted instanceof HTMLInputElement && wanted === document.activeElement && wanted.value !== wanted.defaultValue) return;
  const target = wanted ?? document.getElementById("page");
  target?.focus({ preventScroll: wanted === undefined });
  if (wanted instanceof HTMLInputElement && wanted.type !== "checkbox") wanted.select();
}

/** Whether this is a page that must not be put into the frame of another (sign-in, print). */
export function standsAlone(html: string): boolean {
  return html.includes("data-full");
}
