// 好差评: five grades, reasons for poor ones, and a way out.

import { ratingReady, type State } from "../machine";
import type { RatingData } from "../messages";
import { face, h, setFlag, setText } from "./dom";
import { minutes, topBar, wordsOf, type Send, type View } from "./parts";

export function ratingView(state: State, data: RatingData, send: Send): View {
  const words = wordsOf(state);
  const grades = data.levels.map(({ level, label }) =>
    h(
      "button",
      { type: "button", role: "radio", "data-level": level, click: () => send({ type: "grade", level }) },
      face(level),
      h("span", {}, label),
    ),
  );
  const reasons = h("div", { class: "reasons", role: "group", "aria-label": words.rateReasons });
  const comment = h("textarea", {
    rows: 2,
    maxlength: 200,
    placeholder: words.rateComment,
    "aria-label": words.rateComment,
    input: () => send({ type: "comment", comment: comment.value }),
  });
  comment.value = state.page.kind === "ask" ? state.page.grade.comment : "";
  const why = h("section", { class: "why", hidden: true }, h("h2", {}, words.rateReasons), reasons, comment);
  const submit = h("button", { type: "button", class: "main", id: "send-rating", click: () => send({ type: "send-rating" }) });
  const submitWhy = h("small", {});
  submit.append(h("span", {}, words.rateSend), submitWhy);
  const left = h("span", { class: "left", role: "timer", "aria-live": "off" });
  const root = h(
    "div",
    { class: "page rating" },
    topBar(state, send),
    h(
      "section",
      { class: "rate" },
      h(
        "div",
        { class: "middle" },
        h("h1", {}, words.rateTitle),
        h("p", { class: "service" }, data.service),
        h("div", { class: "grades", role: "radiogroup", "aria-label": words.rateTitle }, ...grades),
        why,
      ),
    ),
    h(
      "footer",
      { class: "decide" },
      h("button", { type: "button", class: "other", id: "skip", click: () => send({ type: "close" }) }, words.rateSkip),
      h("div", { class: "time" }, left),
      submit,
    ),
  );
  let shownLevel: number | null = null;
  const update = ({ page }: State, now: { passed: number }): void => {
    if (page.kind !== "ask") {
      return;
    }
    const { level, reasons: chosen } = page.grade;
    grades.forEach((grade) => grade.setAttribute("aria-checked", String(grade.dataset["level"] === String(level))));
    if (level !== shownLevel) {
      shownLevel = level;
      const offered = data.levels.find((entry) => entry.level === level)?.reasons ?? [];
      reasons.replaceChildren(
        ...offered.map((reason) =>
          h("button", { type: "button", class: "chip", "data-reason": reason, click: () => send({ type: "reason", reason }) }, reason),
        ),
      );
      const poor = level !== null && level < data.reason_required_below;
      setFlag(why, "hidden", !poor && offered.length === 0);
      root.classList.toggle("with-why", !why.hidden);
    }
    for (const chip of Array.from(reasons.children)) {
      chip.setAttribute("aria-pressed", String(chosen.includes(chip.getAttribute("data-reason") ?? "")));
    }
    const ready = ratingReady(page);
    setFlag(submit, "disabled", !ready);
    setText(submitWhy, level !== null && !ready ? words.rateNeeds : "");
    setText(left, `${words.left} ${minutes(page.deadline - now.passed)}`);
  };
  return { root, update };
}
