// 服务授权页面: the item, the licences, and two buttons of the same size.

import { mayAgree, mayAskForMore, type Ask, type State } from "../machine";
import type { AuthorizeData, LicenceRow } from "../messages";
import { drawing, h, ICONS, setFlag, setText } from "./dom";
import { hasMore, minutes, topBar, wordsOf, type Send, type View } from "./parts";
import type { Words } from "./words";

/** Under this the page asks whether more time is needed. */
const SHORT_MS = 30_000;

export function authorizeView(state: State, data: AuthorizeData, send: Send): View {
  const words = wordsOf(state);
  const rows = data.licences.map((row) => licenceRow(row, words, send));
  const list = h("ul", { class: "licences", tabindex: 0, "aria-label": words.licences(rows.length) }, ...rows.map((row) => row.root));
  const about = h("section", { class: "about", tabindex: 0, "aria-label": words.agreeTitle }, h("h1", {}, words.agreeTitle), details(data, words));
  const columns = h("div", { class: "columns" }, about, h("section", { class: "asked" }, h("h2", {}, words.licences(rows.length)), list));
  const scrollers = [columns, about, list];
  const further = h(
    "button",
    {
      type: "button",
      class: "further",
      hidden: true,
      click: () => scrollers.filter(hasMore).forEach((part) => part.scrollBy({ top: part.clientHeight * 0.8 })),
    },
    words.more,
    drawing(["M12 18l12 12l12-12"]),
  );
  const agree = h("button", { type: "button", class: "main", id: "agree", click: () => send({ type: "agree" }) });
  const agreeLabel = h("span", {}, words.agree || data.confirm_label);
  const agreeWhy = h("small", {});
  agree.append(agreeLabel, agreeWhy);
  const left = h("span", { class: "left", role: "timer", "aria-live": "off" });
  const needMore = h("span", { class: "need", "aria-live": "polite" });
  const moreTime = h("button", { type: "button", class: "quiet", id: "more-time", click: () => send({ type: "more-time" }) });

  const root = h(
    "div",
    { class: "page authorize" },
    topBar(state, send),
    data.offline_notice !== null && h("p", { class: "known-old", role: "note" }, drawing(ICONS.warning), data.offline_notice),
    columns,
    further,
    h(
      "footer",
      { class: "decide" },
      h("button", { type: "button", class: "other", id: "decline", click: () => send({ type: "decline" }) }, words.decline),
      h("div", { class: "time" }, h("div", {}, needMore, left), moreTime),
      agree,
    ),
  );
  // Large type or many rows may need scrolling; consent is to all of it, so all of it has to have been on the glass.
  const look = (): void => {
    const more = scrollers.some(hasMore);
    setFlag(further, "hidden", !more);
    if (!more && root.clientHeight > 0) {
      send({ type: "seen-all" });
    }
  };
  scrollers.forEach((part) => part.addEventListener("scroll", look, { passive: true }));
  new ResizeObserver(look).observe(columns);

  const update = ({ page }: State, now: { ran: number; passed: number }): void => {
    if (page.kind !== "ask") {
      return;
    }
    rows.forEach((row) => row.update(page));
    const may = mayAgree(page, now);
    setFlag(agree, "disabled", may !== "yes");
    setText(agreeWhy, may === "yes" ? "" : words.agreeWhy[may]);
    if (!page.seenAll) {
      look();
    }
    const rest = page.deadline - now.passed;
    setText(left, `${words.left} ${minutes(rest)}`);
    setText(needMore, rest <= SHORT_MS && page.more === "possible" ? words.needMore : "");
    setFlag(moreTime, "hidden", page.more === "over");
    setFlag(moreTime, "disabled", !mayAskForMore(page));
    setText(moreTime, page.askedAt === null ? words.moreTime : words.moreTimeAsked);
  };
  return { root, update };
}

function details(data: AuthorizeData, words: Words): HTMLElement {
  const pair = (label: string, value: string, className = ""): HTMLElement =>
    h("div", { class: className }, h("dt", {}, label), h("dd", {}, value));
  return h(
    "dl",
    {},
    h("div", { class: "item" }, h("dt", {}, words.item), h("dd", {}, data.item, h("small", {}, data.department))),
    pair(words.applicant, data.applicant),
    data.on_behalf_of !== null && pair(words.onBehalfOf, data.on_behalf_of),
    pair(words.purpose, data.purpose),
    pair(words.validUntil, data.valid_until_text),
    pair(words.caseNo, data.case_no, "number"),
  );
}

type Row = { root: HTMLElement; update: (page: Ask) => void };

function licenceRow(row: LicenceRow, words: Words, send: Send): Row {
  const name = h("strong", { id: `row-${row.row}` }, row.name);
  const word = h("span", { class: "word" });
  const knob = h("span", { class: "knob" });
  const control = h(
    "button",
    {
      type: "button",
      role: "switch",
      "aria-labelledby": `row-${row.row}`,
      "data-row": row.row,
      click: () => send({ type: "switch-row", row: row.row }),
    },
    word,
    knob,
  );
  const uses = row.fields.length > 0 ? `${words.uses} ${row.fields.join("、")}` : "";
  const root = h(
    "li",
    {},
    h(
      "div",
      { class: "what" },
      h("div", { class: "name" }, name, row.required && h("small", {}, words.required)),
      h("p", {}, [`${words.holder} ${row.holder}`, uses].filter(Boolean).join(" · ")),
      row.note !== undefined && h("p", { class: "note", role: "note" }, row.note),
    ),
    control,
  );
  const update = (page: Ask): void => {
    const on = !page.refused.includes(row.row);
    control.setAttribute("aria-checked", String(on));
    setText(word, on ? words.on : words.off);
    setFlag(root, "data-off", !on);
  };
  return { root, update };
}
