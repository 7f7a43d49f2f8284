// The glass: picks the page for the state, builds it once, and keeps it up to date.

import type { Clock, Now } from "../clock";
import type { State } from "../machine";
import type { PairingView } from "../pairing";
import { authorizeView } from "./authorize";
import { challengeView } from "./challenge";
import { h, setFlag, setText, type ICONS } from "./dom";
import { idleView } from "./idle";
import { noticeView } from "./notice";
import { minutes, plain, still, topBar, wordsOf, type Send, type View } from "./parts";
import { ratingView } from "./rating";
import { resultView } from "./result";

/** A connection may be away this long before the citizen hears of it. */
const NOTICEABLE_MS = 2_000;

export type Notice = "starting" | "insecure" | "second-tab" | "broken";

const NOTICES: Record<Notice, [keyof typeof ICONS, string, string]> = {
  starting: ["wait", "正在启动", ""],
  insecure: ["warning", "本页面没有安全连接", "请运维人员用 https 地址打开，并在本机安装大厅的根证书。"],
  "second-tab": ["info", "评价器已在另一个页面打开", "请使用那个页面，或把它关闭；本页会自动接上。"],
  broken: ["warning", "评价器不能在本机启动", "浏览器不能保存数据。15 秒后自动重试；仍不行时请联系运维人员。"],
};

export class Screen {
  private key = "";
  private view: View = still(h("div"));
  private readonly banner = h("p", { class: "banner", role: "status", hidden: true });
  private pairingView: { update: (view: PairingView) => void } | null = null;

  constructor(private readonly glass: HTMLElement) {}

  paint(state: State, clock: Clock, send: Send): void {
    const now = clock.now();
    const scene = sceneOf(state, now);
    const { language, large, contrast } = state.preferences;
    const key = JSON.stringify([scene.key, language, large, contrast, state.config?.ver]);
    if (key !== this.key) {
      this.key = key;
      const html = document.documentElement;
      html.lang = language === "zh" ? "zh-CN" : "en";
      html.classList.toggle("large", large);
      html.classList.toggle("contrast", contrast);
      document.title = `${state.config?.window?.name ?? ""} 评价器`.trim();
      this.put(scene.make(send));
    }
    this.view.update(state, now);
    const trouble = scene.interactive ? troubleOf(state, now) : null;
    setFlag(this.banner, "hidden", trouble === null);
    setText(this.banner, trouble === null ? "" : wordsOf(state)[trouble === "hall" ? "troubleHall" : "troubleLink"]);
  }

  notice(kind: Notice): void {
    const [icon, title, text] = NOTICES[kind];
    this.key = kind;
    this.put(still(h("div", { class: "page" }, plain(icon, kind === "starting" ? "calm" : "warn", title, text))));
  }

  pairing(view: PairingView): void {
    if (!this.pairingView) {
      this.key = "pairing";
      const made = pairingView();
      this.pairingView = made;
      this.put(still(made.root));
    }
    this.pairingView.update(view);
  }

  private put(view: View): void {
    this.view = view;
    this.glass.replaceChildren(view.root, this.banner);
  }
}

type Scene = { key: string; interactive: boolean; make: (send: Send) => View };

function sceneOf(state: State, now: Now): Scene {
  const words = wordsOf(state);
  const { page, config } = state;
  const simple = (key: string, icon: keyof typeof ICONS, tone: "calm" | "warn", title: string, text: string): Scene => ({
    key,
    interactive: false,
    make: () => still(h("div", { class: "page" }, plain(icon, tone, title, text))),
  });
  if (page.kind === "ask" || page.kind === "sending" || page.kind === "result") {
    return { key: `${page.kind} ${page.kind === "result" ? page.what : page.show.id}`, interactive: true, make: (send) => pageView(state, send) };
  }
  if (now.passed < state.identifyUntil && config) {
    return simple("identify", "info", "calm", config.window?.name ?? words.unbound, words.identify);
  }
  if (state.link === "refused") {
    return { key: "refused", interactive: false, make: (send) => refusedView(state, send) };
  }
  if (!config) {
    return simple("starting", "wait", "calm", words.starting, words.startingText);
  }
  if (config.window === null) {
    return simple("unbound", "link", "warn", words.unbound, words.unboundText);
  }
  const trouble = troubleOf(state, now);
  if (trouble === "link") {
    return simple("link", "link", "calm", words.reconnecting, words.reconnectingText);
  }
  if (trouble === "hall") {
    return simple("hall", "pause", "calm", words.paused, words.pausedText);
  }
  if (page.kind === "paused") {
    return simple(`paused ${page.notice}`, "pause", "calm", words.paused, page.notice || words.pausedText);
  }
  return { key: `idle ${page.data?.notice ?? ""}`, interactive: false, make: () => idleView(state) };
}

function pageView(state: State, send: Send): View {
  const words = wordsOf(state);
  const page = state.page;
  if (page.kind === "result") {
    return resultView(state, page, send);
  }
  if (page.kind === "sending") {
    return still(h("div", { class: "page" }, topBar(state, send), plain("wait", "calm", words.sending, words.sendingText)));
  }
  if (page.kind !== "ask") {
    return still(h("div", { class: "page" }));
  }
  switch (page.show.page) {
    case "authorize":
      return authorizeView(state, page.show.data, send);
    case "challenge":
      return challengeView(state, page.show.data, send);
    case "notice":
      return noticeView(state, page.show.data, send);
    case "rating":
      return ratingView(state, page.show.data, send);
    case "message": {
      const { level, title, text } = page.show.data;
      const [icon, tone] = ({ info: ["info", "calm"], done: ["done", "done"], warning: ["warning", "warn"] } as const)[level];
      const close = h("button", { type: "button", class: "main", id: "close", click: () => send({ type: "close" }) }, words.understood);
      return still(h("div", { class: "page" }, topBar(state, send), plain(icon, tone, title, text), h("footer", { class: "decide single" }, close)));
    }
    default:
      return still(h("div", { class: "page" }));
  }
}

/** Not hidden from a technician, but not erased by one tap of a curious child either. */
function refusedView(state: State, send: Send): View {
  const words = wordsOf(state);
  let asked = false;
  const button = h("button", {
    type: "button",
    class: "other",
    click: () => {
      if (asked) {
        send({ type: "control", control: { id: "local", kind: "unpair" } });
      }
      asked = true;
      setText(button, words.pairAgainSure);
    },
  }, words.pairAgain);
  return still(h("div", { class: "page" }, plain("link", "warn", words.refusedDevice, words.refusedDeviceText, button)));
}

function troubleOf(state: State, now: Now): "link" | "hall" | null {
  if (state.lostAt !== null && state.link !== "up") {
    return now.passed - state.lostAt >= NOTICEABLE_MS ? "link" : null;
  }
  return state.hall && !state.hall.online ? "hall" : null;
}

function pairingView(): { root: HTMLElement; update: (view: PairingView) => void } {
  const code = h("p", { class: "code" });
  const print = h("p", { class: "print" });
  const left = h("p", { class: "left" });
  const root = h(
    "div",
    { class: "page pairing" },
    h("h1", {}, "评价器配对"),
    h("p", {}, "请运维人员在“设备”页面输入这个配对码，并选择窗口。"),
    code,
    print,
    left,
  );
  const update = (view: PairingView): void => {
    const known = view.state === "code";
    setText(code, known ? view.code : "···-···");
    setText(print, known ? `本机指纹 ${view.fingerprint}，应与“设备”页面显示的一致` : "");
    const rest = known ? minutes(view.expiresAt - Date.now()) : "";
    const words = { asking: "正在取配对码", unreachable: "连不上大厅服务器，正在自动重试", code: `配对码 ${rest} 后更换` };
    setText(left, known && view.troubled ? "连接中断，正在自动恢复" : words[view.state]);
    root.classList.toggle("dim", !known);
  };
  return { root, update };
}
