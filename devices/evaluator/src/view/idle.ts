// 空闲: hall, window, a notice and the clock. Nothing of anyone.

import type { State } from "../machine";
import { h, setText } from "./dom";
import { wordsOf, type View } from "./parts";

const TIME = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
const DAY = {
  zh: new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "long", day: "numeric", weekday: "long" }),
  en: new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", month: "long", day: "numeric", weekday: "long" }),
};

export function idleView(state: State): View {
  const words = wordsOf(state);
  const data = state.page.kind === "idle" ? state.page.data : null;
  const notice = data?.notice ?? state.config?.notice ?? "";
  const time = h("time", { class: "time" });
  const day = h("span", { class: "day" });
  const root = h(
    "div",
    { class: "page idle" },
    h("header", {}, h("span", { class: "hall" }, state.config?.hall ?? ""), h("span", { class: "clock" }, day, time)),
    h("section", {}, h("h1", {}, state.config?.window?.name ?? ""), h("p", {}, words.welcome)),
    h("footer", {}, notice),
  );
  const update = (): void => {
    const now = Date.now();
    setText(time, TIME.format(now));
    setText(day, DAY[state.preferences.language].format(now));
  };
  update();
  return { root, update };
}
