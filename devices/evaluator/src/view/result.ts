// What has been decided, to be read again until it goes.

import type { Result, State } from "../machine";
import type { LicenceRow } from "../messages";
import { drawing, h, ICONS, setText } from "./dom";
import { minutes, plain, topBar, wordsOf, type Send, type View } from "./parts";

export function resultView(state: State, result: Result, send: Send): View {
  const words = wordsOf(state);
  const looks = {
    authorised: ["done", "done", words.authorised, words.authorisedText],
    refused: ["refused", "calm", words.refused, words.refusedText],
    noted: ["done", "done", words.noted, words.notedText],
    rated: ["done", "done", words.rated, words.ratedText],
    closed: ["info", "calm", words.expired, ""],
    over: ["wait", "calm", words.over, words.overText],
    expired: ["wait", "calm", words.expired, words.expiredText],
    "not-recorded": ["warning", "warn", words.notRecorded, words.notRecordedText],
    unknown: ["wait", "warn", words.unknown, words.unknownText],
  } as const;
  const [icon, tone, title, text] = looks[result.what];
  const rows = (label: string, licences: LicenceRow[], mark: keyof typeof ICONS): HTMLElement | false =>
    licences.length > 0 &&
    h(
      "section",
      { class: `listed ${mark}` },
      h("h2", {}, label),
      h("ul", {}, ...licences.map((row) => h("li", {}, drawing(ICONS[mark]), h("span", {}, row.name)))),
    );
  const goes = h("span", { class: "left", "aria-live": "off" });
  const root = h(
    "div",
    { class: "page result" },
    topBar(state, send),
    h(
      "div",
      { class: "scrolls" },
      h(
        "div",
        { class: "middle" },
        plain(icon, tone, title, text),
        h("div", { class: "lists" }, rows(words.agreedList, result.agreed, "done"), rows(words.declinedList, result.declined, "refused")),
        result.caseNo !== "" && h("p", { class: "number" }, `${words.caseNo} ${result.caseNo}`),
      ),
    ),
    h("footer", { class: "decide single" }, goes, h("button", { type: "button", class: "other", id: "close", click: () => send({ type: "close" }) }, words.close)),
  );
  return { root, update: ({ page }, now) => page.kind === "result" && setText(goes, `${words.goesAway} ${minutes(page.until - now.passed)}`) };
}
