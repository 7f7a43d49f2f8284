// 消息: what the centre tells the person, and the text messages of this phone.

import type { CentreMessage } from "../api";
import { h } from "./dom";
import { badge, empty, moment, tabs } from "./parts";
import type { Build, Screen } from "./shell";

function leads({ nonce, consent, delegation, kind }: CentreMessage): string {
  return nonce && kind === "confirmation_asked" ? `confirm/${nonce}` : consent ? `consent/${consent}` : delegation ? `delegation/${delegation}` : "";
}

export const messages: Build = async ({ phone, rest: [which = "centre"], signal, every, again }) => {
  const here = which === "sms" ? "messages/sms" : "messages/centre";
  const top = tabs("消息", here, [
    { path: "messages/centre", zh: "通知" },
    { path: "messages/sms", zh: "短信" },
  ]);
  const screen = (...rows: HTMLElement[]): Screen => ({
    title: "消息",
    tab: "messages",
    parent: "home",
    body: h("div", { class: "stack" }, top, rows.length === 0 ? empty("还没有消息。") : h("ul", { class: "rows" }, ...rows)),
  });
  if (which === "sms") {
    return screen(...[...phone.inbox].reverse().map(({ number, text }) => h("li", { class: "row" }, h("span", { class: "what" }, h("span", {}, text), h("small", {}, moment(number / 1_000))))));
  }
  type Page = { messages: CentreMessage[]; unread: number };
  const page = await phone.call(() => phone.citizen.get<Page>("/messages", {}, signal));
  const newest = page.messages[0]?.number ?? 0;
  if (page.unread > 0) {
    void phone.citizen.post("/messages/read", { up_to: newest }).catch(() => undefined);
  }
  every(5_000, () => void phone.citizen.get<Page>("/messages", { after: newest }, signal).then((now) => now.messages.length > 0 && again(), () => undefined));
  return screen(
    ...page.messages.map((one) => {
      const to = leads(one);
      const what = h("span", { class: "what" }, h("strong", {}, one.title), h("span", {}, one.text), h("small", {}, moment(one.at)));
      const fresh = !one.read && badge("新", "old");
      return h("li", {}, to ? h("a", { class: "row", href: `#/${to}` }, what, fresh) : h("div", { class: "row" }, what, fresh));
    }),
  );
};
