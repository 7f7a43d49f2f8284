// 告知页: what is declared or done, to be read and confirmed as a whole.

import { mayAgree, mayAskForMore, type State } from "../machine";
import type { NoticeData } from "../messages";
import { drawing, h, ICONS, setFlag, setText } from "./dom";
import { hasMore, minutes, topBar, wordsOf, type Send, type View } from "./parts";

export function noticeView(state: State, data: NoticeData, send: Send): View {
  const words = wordsOf(state);
  const confirm = h("button", { type: "button", class: "main", id: "agree", click: () => send({ type: "agree" }) });
  const why = h("small", {});
  confirm.append(h("span", {}, data.confirm_label), why);
  const left = h("span", { class: "left", role: "timer", "aria-live": "off" });
  const moreTime = h("button", { type: "button", class: "quiet", id: "more-time", click: () => send({ type: "more-time" }) });
  const told = h(
    "section",
    { class: "told", tabindex: 0 },
    h("h1", {}, data.title),
    ...data.text.map((line) => h("p", {}, line)),
    h("dl", {}, ...data.rows.map((row) => h("div", {}, h("dt", {}, row.label), h("dd", {}, row.value))), h("div", { class: "number" }, h("dt", {}, words.caseNo), h("dd", {}, data.case_no))),
  );
  const further = h(
    "button",
    { type: "button", class: "further", hidden: true, click: () => told.scrollBy({ top: told.clientHeight * 0.8 }) },
    words.more,
    drawing(["M12 18l12 12l12-12"]),
  );
  const root = h(
    "div",
    { class: "page notice" },
    topBar(state, send),
    data.offline_notice !== null && h("p", { class: "known-old", role: "note" }, drawing(ICONS.warning), data.offline_notice),
    told,
    further,
    h(
      "footer",
      { class: "decide" },
      data.refuse_label === null
        ? h("span", {})
        : h("button", { type: "button", class: "other", id: "decline", click: () => send({ type: "decline" }) }, data.refuse_label),
      h("div", { class: "time" }, left, moreTime),
      confirm,
    ),
  );
  const look = (): void => {
    const more = hasMore(told);
    setFlag(further, "hidden", !more);
    if (!more && root.clientHeight > 0) {
      send({ type: "seen-all" });
    }
  };
  told.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(told);

  const update = ({ page }: State, now: { ran: number; passed: number }): void => {
    if (page.kind !== "ask") {
      return;
    }
    const may = mayAgree(page, now);
    setFlag(confirm, "disabled", may !== "yes");
    setText(why, may === "yes" ? "" : words.noticeWhy[may]);
    if (!page.seenAll) {
      look();
    }
    setText(left, `${words.left} ${minutes(page.deadline - now.passed)}`);
    setFlag(moreTime, "hidden", page.more === "over");
    setFlag(moreTime, "disabled", !mayAskForMore(page));
    setText(moreTime, page.askedAt === null ? words.moreTime : words.moreTimeAsked);
  };
  return { root, update };
}
