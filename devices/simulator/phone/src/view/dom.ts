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

const SVG = "http://www.w3.org/2000/svg";

export function svg(viewBox: string, className: string, ...paths: string[]): SVGSVGElement {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", viewBox);
  drawn.setAttribute("class", className);
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    drawn.append(path);
  }
  return drawn;
}

/** Line drawings on a 24 grid; always beside a word, so hidden from screen readers. */
export function icon(name: keyof typeof ICONS): SVGSVGElement {
  const drawn = svg("0 0 24 24", "icon", ...ICONS[name]);
  drawn.setAttribute("aria-hidden", "true");
  return drawn;
}

const ICONS = {
  home: ["M4 11l8-7l8 7", "M6 10v10h12v-10", "M10 20v-6h4v6"],
  code: ["M4 4h6v6h-6z", "M14 4h6v6h-6z", "M4 14h6v6h-6z", "M14 14h2v2", "M20 14v6h-6v-2"],
  scan: ["M4 8v-4h4", "M16 4h4v4", "M20 16v4h-4", "M8 20h-4v-4", "M4 12h16"],
  messages: ["M4 5h16v12h-9l-5 4v-4h-2z"],
  me: ["M12 4a4 4 0 1 1 0 8a4 4 0 1 1 0-8z", "M4 21c0-5 4-7 8-7s8 2 8 7"],
  card: ["M3 5h18v14h-18z", "M6 9h6", "M6 13h4", "M14 9.500h4v5h-4z"],
  hands: ["M2 12a3 3 0 1 1 6 0a3 3 0 1 1-6 0", "M16 12a3 3 0 1 1 6 0a3 3 0 1 1-6 0", "M8 12h8", "M13 9l3 3l-3 3"],
  company: ["M4 21v-16h9v16", "M13 10h7v11", "M3 21h18", "M7 9h3", "M7 13h3", "M7 17h3", "M16 14h1", "M16 17h1"],
  shield: ["M12 3l8 3v6c0 5-4 8-8 9c-4-1-8-4-8-9v-6z", "M8.500 12l2.500 2.500l4.500-5"],
  receipt: ["M6 3h12v18l-3-2l-3 2l-3-2l-3 2z", "M9 8h6", "M9 12h6"],
  settings: ["M4 7h10", "M18 7h2", "M14 5v4h4v-4z", "M4 17h2", "M10 17h10", "M6 15v4h4v-4z"],
  back: ["M15 5l-7 7l7 7"],
  on: ["M9 5l7 7l-7 7"],
  done: ["M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18z", "M7.500 12.500l3 3l6-6.500"],
  refused: ["M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18z", "M8 12h8"],
  wait: ["M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18z", "M12 7v5l4 2"],
  warning: ["M12 4l9.500 16.500h-19z", "M12 10v5", "M12 17.500v.3"],
  face: ["M4 8v-4h4", "M16 4h4v4", "M20 16v4h-4", "M8 20h-4v-4", "M9 10v.5", "M15 10v.5", "M8.500 14.500q3.500 3 7 0"],
  search: ["M10.500 4a6.500 6.500 0 1 1 0 13a6.500 6.500 0 1 1 0-13z", "M15.500 15.500l5 5"],
} as const;
