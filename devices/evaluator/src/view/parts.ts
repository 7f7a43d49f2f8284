// Parts that several pages share.

import type { Event, State } from "../machine";
import type { Now } from "../clock";
import { drawing, h, ICONS, type Child } from "./dom";
import { WORDS, type Words } from "./words";

export type Send = (event: Event) => void;
export type View = { root: HTMLElement; update: (state: State, now: Now) => void };

export function wordsOf(state: State): Words {
  return WORDS[state.preferences.language];
}

/** Hall and window, and the three switches of the citizen. */
export function topBar(state: State, send: Send): HTMLElement {
  const { preferences, config } = state;
  const words = wordsOf(state);
  const toggle = (label: string, on: boolean, change: Event): HTMLElement =>
    h("button", { type: "button", class: "quiet", "aria-pressed": String(on), click: () => send(change) }, label);
  return h(
    "header",
    { class: "top" },
    h("div", { class: "place" }, h("span", { class: "hall" }, config?.hall ?? ""), h("strong", {}, config?.window?.name ?? "")),
    h(
      "nav",
      { class: "wishes", "aria-label": `${words.large} ${words.contrast}` },
      toggle(words.large, preferences.large, { type: "preference", change: { large: !preferences.large } }),
      toggle(words.contrast, preferences.contrast, { type: "preference", change: { contrast: !preferences.contrast } }),
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          lang: preferences.language === "zh" ? "en" : "zh-CN",
          click: () => send({ type: "preference", change: { language: preferences.language === "zh" ? "en" : "zh" } }),
        },
        words.otherLanguage,
      ),
    ),
  );
}

/** One calm message in the middle of the glass. */
export function plain(icon: keyof typeof ICONS, tone: "calm" | "done" | "warn", title: string, text: string, ...more: Child[]): HTMLElement {
  return h(
    "section",
    { class: `plain ${tone}`, role: "status" },
    drawing(ICONS[icon]),
    h("h1", {}, title),
    text !== "" && h("p", {}, text),
    ...more,
  );
}

/** Whether part of it has not been on the glass yet. */
export function hasMore(part: HTMLElement): boolean {
  return getComputedStyle(part).overflowY !== "visible" && part.scrollHeight - part.clientHeight - part.scrollTop > 8;
}

export function still(root: HTMLElement): View {
  return { root, update: () => undefined };
}

/** "1:05" */
export function minutes(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
