// What several screens are made of.

import type { CapacityView } from "../api";
import { modules, outline } from "../message/qr";
import { h, icon, svg, type Child } from "./dom";

/** A QR code on white, as large as the screen gives room for. */
export function qrCode(text: string, label: string): HTMLElement {
  const { side, path } = outline(modules(text));
  const drawn = svg(`0 0 ${side} ${side}`, "modules", path);
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", label);
  drawn.setAttribute("shape-rendering", "crispEdges");
  return h("div", { class: "qr" }, drawn);
}

export function empty(text: string): HTMLElement {
  return h("p", { class: "empty" }, text);
}

export function note(text: string, kind: "plain" | "old" | "done" = "plain"): HTMLElement {
  return h("p", { class: `note ${kind}` }, text);
}

/** What was done just now, or holds since then. */
export function done(text: string): HTMLElement {
  return h("p", { class: "note done", role: "status" }, text);
}

/** Term and value, one below the other where there is no room. */
export function pairs(...rows: readonly (readonly [string, string | undefined | null])[]): HTMLElement {
  const filled = rows.filter((row): row is [string, string] => Boolean(row[1]));
  return h("dl", { class: "pairs" }, ...filled.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

/** A row that leads somewhere. */
export function link(path: string, title: string, below = "", ...more: Child[]): HTMLElement {
  return h("a", { class: "row", href: `#/${path}` }, h("span", { class: "what" }, h("strong", {}, title), below && h("small", {}, below)), ...more, icon("on"));
}

export function badge(text: string, kind: "good" | "old" | "harm" | "plain"): HTMLElement {
  return h("span", { class: `badge ${kind}` }, text);
}

export function card(...children: Child[]): HTMLElement {
  return h("section", { class: "card" }, ...children);
}

/** A labelled field; `hint` stands below the label. */
export function field(label: string, options: { [name: string]: string | number | boolean }, hint = ""): { root: HTMLElement; input: HTMLInputElement } {
  const id = `field-${Math.random().toString(36).slice(2)}`;
  const input = h("input", { id, autocomplete: "off", "aria-describedby": hint && `${id}-hint`, ...options });
  return { root: h("div", { class: "field" }, h("label", { for: id }, label), hint && h("small", { id: `${id}-hint` }, hint), input), input };
}

/** Marks the field that a refusal is about, until somebody types in it. */
export function mark(input: HTMLInputElement, wrong: boolean): void {
  input.toggleAttribute("aria-invalid", false);
  if (wrong) {
    input.setAttribute("aria-invalid", "true");
    input.addEventListener("input", () => input.removeAttribute("aria-invalid"), { once: true });
  }
}

export function choice<T extends string>(label: string, options: readonly { value: T; zh: string }[], chosen: T, take: (value: T) => void): { root: HTMLElement; select: HTMLSelectElement } {
  const id = `field-${Math.random().toString(36).slice(2)}`;
  const select = h("select", { id, change: () => take(select.value as T) }, ...options.map(({ value, zh }) => h("option", { value, selected: value === chosen }, zh)));
  return { root: h("div", { class: "field" }, h("label", { for: id }, label), select), select };
}

/** Links that look and work as tabs of one page. */
export function tabs(label: string, here: string, all: readonly { path: string; zh: string }[]): HTMLElement {
  return h("nav", { class: "tabs", "aria-label": label }, ...all.map(({ path, zh }) => h("a", { href: `#/${path}`, "aria-current": path === here && "page" }, zh)));
}

/** A switch with its word beside it. */
export function toggle(labelId: string, on: boolean, changed: (on: boolean) => void): HTMLButtonElement {
  const word = h("span", { class: "word" });
  const button = h("button", { type: "button", role: "switch", "aria-labelledby": labelId }, word, h("span", { class: "knob" }));
  const set = (value: boolean): void => {
    button.setAttribute("aria-checked", String(value));
    word.textContent = value ? "同意" : "不同意";
  };
  button.addEventListener("click", () => {
    const value = button.getAttribute("aria-checked") !== "true";
    set(value);
    changed(value);
  });
  set(on);
  return button;
}

export function day(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleDateString("zh-CN", { year: "numeric", month: "long", day: "numeric" });
}

export function moment(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleString("zh-CN", { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
}

/** For whom a code or an answer stands, in a few words. */
export function stands({ as, for: name, zh }: CapacityView): [name: string, role: string] {
  return as === "delegate" ? [name, "委托人"] : [name, zh];
}

/** The end of a day by its date, such as a date field gives it. */
export function endOfDay(date: string): number {
  return Math.floor(new Date(`${date}T23:59:59`).getTime() / 1_000);
}

/** The date in so many days, as a date field takes it. */
export function inDays(seconds: number, days: number): string {
  const then = new Date((seconds + days * 86_400) * 1_000);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
}
