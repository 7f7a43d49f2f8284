// 手机扫码页: one large code for the citizen's phone, what to do with it, and a way out.

import { mayAskForMore, type State } from "../machine";
import type { ChallengeData } from "../messages";
import { qrPath } from "../qr";
import { drawing, h, ICONS, setFlag, setText } from "./dom";
import { minutes, topBar, wordsOf, type Send, type View } from "./parts";

/** Light modules around the code, on each side: with fewer, readers do not find it. */
const QUIET = 4;
/** Never smaller than this, in CSS pixels: the width of a thumb and a half on a ten-inch tablet. */
const LEAST = 360;

export function challengeView(state: State, data: ChallengeData, send: Send): View {
  const words = wordsOf(state);
  const english = state.preferences.language === "en" ? words.challenge[data.kind] : null;
  const { title, text } = english ?? data;
  const left = h("span", { class: "left", role: "timer", "aria-live": "off" });
  const moreTime = h("button", { type: "button", class: "quiet", id: "more-time", click: () => send({ type: "more-time" }) });
  const code = h("section", { class: "code", role: "img", "aria-label": title });
  const drawn = qrDrawing(data.qr);
  code.append(drawn.svg);
  new ResizeObserver(() => drawn.fit(code.clientWidth, code.clientHeight)).observe(code);
  const pair = (label: string, value: string): HTMLElement => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  const root = h(
    "div",
    { class: "page challenge" },
    topBar(state, send),
    h(
      "div",
      { class: "columns" },
      code,
      h(
        "section",
        { class: "tell" },
        h(
          "div",
          { class: "scrolls", tabindex: 0 },
          h("h1", {}, title),
          data.offline_notice !== null && h("p", { class: "known-old", role: "note" }, drawing(ICONS.warning), data.offline_notice),
          h("ol", {}, ...text.map((line) => h("li", {}, line))),
          h("dl", {}, h("div", { class: "item" }, h("dt", {}, words.item), h("dd", {}, data.item, h("small", {}, data.department))), pair(words.purpose, data.purpose), pair(words.caseNo, data.case_no)),
        ),
        h("p", { class: "fallback" }, english ? words.noPhone : data.fallback),
        h(
          "footer",
          { class: "decide single" },
          h("div", { class: "time" }, left, moreTime),
          h("button", { type: "button", class: "other", id: "cancel", click: () => send({ type: "close" }) }, words.cancel),
        ),
      ),
    ),
  );
  const update = ({ page }: State, now: { passed: number }): void => {
    if (page.kind !== "ask") {
      return;
    }
    setText(left, `${words.left} ${minutes(page.deadline - now.passed)}`);
    setFlag(moreTime, "hidden", page.more === "over");
    setFlag(moreTime, "disabled", !mayAskForMore(page));
    setText(moreTime, page.askedAt === null ? words.moreTime : words.moreTimeAsked);
  };
  return { root, update };
}

/** Black on white in every look: cameras read nothing else as well. Each module is a whole number of pixels of the glass. */
function qrDrawing(text: string): { svg: SVGSVGElement; fit: (width: number, height: number) => void } {
  const space = "http://www.w3.org/2000/svg";
  const { size, path } = qrPath(text);
  const across = size + 2 * QUIET;
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `${-QUIET} ${-QUIET} ${across} ${across}`);
  svg.setAttribute("class", "qr");
  svg.setAttribute("data-modules", String(size));
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("aria-hidden", "true");
  const dark = document.createElementNS(space, "path");
  dark.setAttribute("d", path);
  svg.append(dark);
  const fit = (width: number, height: number): void => {
    const ratio = window.devicePixelRatio || 1;
    const whole = (Math.floor((Math.min(width, height) * ratio) / across) * across) / ratio;
    const side = String(Math.max(LEAST, whole));
    svg.setAttribute("width", side);
    svg.setAttribute("height", side);
  };
  return { svg, fit };
}
