// Elements from plain text: nothing that arrives is ever read as markup, and no style attribute is written.

export type Child = Node | string | null | undefined | false;
type Options = { [name: string]: string | number | boolean | ((event: globalThis.Event) => void) | null | undefined };

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, options: Options = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === "function") {
      element.addEventListener(name, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

/** Sets text only when it differs: screen readers and selections stay undisturbed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

export function setFlag(element: Element, name: string, on: boolean): void {
  if (element.hasAttribute(name) !== on) {
    element.toggleAttribute(name, on);
  }
}

/** Line drawings on a 48 grid; always beside a word, so hidden from screen readers. */
export function drawing(paths: readonly string[], className = "drawing"): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 48 48");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

const RING = "M24 4a20 20 0 1 1 0 40a20 20 0 1 1 0-40z";
export const ICONS = {
  done: [RING, "M14 25l7 7l13-15"],
  refused: [RING, "M15 24h18"],
  info: [RING, "M24 22v12", "M24 14v.5"],
  warning: ["M24 6l20 35H4z", "M24 19v11", "M24 35v.5"],
  wait: [RING, "M24 13v11l8 5"],
  pause: [RING, "M19 17v14", "M29 17v14"],
  link: ["M19 29l10-10", "M22 14l4-4a8.5 8.5 0 0 1 12 12l-4 4", "M26 34l-4 4a8.5 8.5 0 0 1-12-12l4-4"],
} as const;

/** A face for a grade from 1 to 5. */
export function face(level: number): SVGSVGElement {
  const bend = [0, 24, 28.5, 32, 36, 39][level] ?? 32;
  const corner = [0, 34, 33, 32, 30, 28][level] ?? 32;
  return drawing([RING, "M17 18v2", "M31 18v2", `M15 ${corner}Q24 ${bend} 33 ${corner}`], "face");
}
