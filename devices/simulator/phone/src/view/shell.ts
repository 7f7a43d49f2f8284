// The frame of every screen: the phone's status line, which says what this is, the title, the text message that has just
// come, and the tabs. Which screen stands in it is in the address's fragment.

import { NoNetwork, Problem } from "../api";
import type { Phone } from "../phone";
import { h, icon, setText } from "./dom";

export type Tab = "home" | "code" | "scan" | "messages" | "me";
/** A screen that stands; `parent` is where 返回 leads. */
export type Screen = { title: string; tab?: Tab; parent?: string; body: Node };
export type Context = {
  phone: Phone;
  /** What follows the screen's name in the fragment. */
  rest: string[];
  signal: AbortSignal;
  go: (path: string) => void;
  again: () => void;
  every: (ms: number, run: () => void) => void;
};
export type Build = (context: Context) => Screen | Promise<Screen>;
export type Routes = { [name: string]: Build };

const SLOW_MS = 300;
const TABS: readonly { tab: Tab; zh: string; path: string }[] = [
  { tab: "home", zh: "首页", path: "home" },
  { tab: "code", zh: "我的码", path: "code" },
  { tab: "scan", zh: "扫一扫", path: "scan" },
  { tab: "messages", zh: "消息", path: "messages" },
  { tab: "me", zh: "我的", path: "me" },
];

export class Shell {
  private life = new AbortController();
  private readonly clock = h("span", { class: "time" });
  private readonly network = h("span", { class: "network" });
  private readonly banner = h("div", { class: "sms", role: "status", hidden: true });
  private readonly page = h("div", { class: "page" });
  private shownSms = 0;
  private closeBanner = (): void => undefined;

  constructor(
    private readonly phone: Phone,
    private readonly routes: Routes,
    private readonly fallback: (phone: Phone) => string,
    root: HTMLElement,
  ) {
    const strip = h("div", { class: "strip" }, this.clock, h("strong", {}, "演示用手机模拟器"), this.network);
    root.replaceChildren(strip, this.banner, this.page);
  }

  async run(): Promise<void> {
    this.shownSms = await this.phone.store.readSms();
    this.phone.watch(() => this.refresh(), new AbortController().signal);
    setInterval(() => this.tick(), 1_000);
    window.addEventListener("hashchange", () => void this.open());
    this.refresh();
    await this.open();
  }

  private go(path: string): void {
    if (location.hash === `#/${path}`) {
      void this.open();
    } else {
      location.hash = `#/${path}`;
    }
  }

  private async open(): Promise<void> {
    this.life.abort();
    // Whoever goes on has used what the message said; it stays in 消息.
    this.closeBanner();
    const life = new AbortController();
    this.life = life;
    const [wanted = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    const name = this.phone.session && this.routes[wanted] && wanted !== "sign-in" ? wanted : this.fallback(this.phone);
    const context: Context = {
      phone: this.phone,
      rest: name === wanted ? rest : [],
      signal: life.signal,
      go: (path) => this.go(path),
      again: () => void this.open(),
      every: (ms, run) => {
        const timer = setInterval(run, ms);
        life.signal.addEventListener("abort", () => clearInterval(timer));
      },
    };
    const slow = setTimeout(() => this.page.replaceChildren(h("main", { class: "loading" }, h("p", { role: "status" }, "正在加载…"))), SLOW_MS);
    let screen: Screen;
    try {
      const build = this.routes[name];
      if (!build) {
        throw new Error(`no screen ${name}`);
      }
      screen = await build(context);
    } catch (error) {
      if (life.signal.aborted) {
        return;
      }
      if (!this.phone.session && name !== "sign-in") {
        return this.go("sign-in");
      }
      screen = { title: "没有打开", parent: "home", body: h("div", { class: "stack" }, trouble(error), h("button", { class: "main", click: () => void this.open() }, "重试")) };
    } finally {
      clearTimeout(slow);
    }
    if (!life.signal.aborted) {
      this.paint(screen);
    }
  }

  private paint({ title, tab, parent, body }: Screen): void {
    document.title = `${title} · 演示用手机模拟器`;
    const heading = h("h1", { tabindex: -1 }, title);
    const back = parent !== undefined && h("button", { class: "back", "aria-label": "返回", click: () => this.go(parent) }, icon("back"));
    const header = h("header", {}, back, heading);
    const main = h("main", { tabindex: 0 }, body);
    const tabs = this.phone.session && h("nav", { "aria-label": "主菜单" }, ...TABS.map((one) => this.tabLink(one, one.tab === tab)));
    this.page.replaceChildren(header, main, ...(tabs ? [tabs] : []));
    heading.focus({ preventScroll: true });
    main.scrollTop = 0;
  }

  private tabLink({ tab, zh, path }: (typeof TABS)[number], here: boolean): HTMLElement {
    return h("a", { href: `#/${path}`, "aria-current": here && "page" }, icon(tab), h("span", {}, zh));
  }

  private refresh(): void {
    const { network, settings } = this.phone;
    document.documentElement.classList.toggle("large", settings.largeType);
    setText(this.network, network ? "移动网络" : "无网络");
    this.network.classList.toggle("off", !network);
    this.tick();
    const newest = this.phone.inbox.at(-1);
    if (newest && newest.number > this.shownSms) {
      this.shownSms = newest.number;
      this.closeBanner = () => {
        this.banner.hidden = true;
        void this.phone.store.putReadSms(newest.number);
      };
      this.banner.replaceChildren(h("div", {}, h("strong", {}, "短信"), h("p", {}, newest.text)), h("button", { "aria-label": "收起短信", click: () => this.closeBanner() }, "收起"));
      this.banner.hidden = false;
    }
    if (!this.phone.session && !location.hash.startsWith("#/sign-in")) {
      this.go("sign-in");
    }
  }

  private tick(): void {
    const time = new Date(this.phone.now() * 1_000).toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
    setText(this.clock, this.phone.settings.skewMinutes === 0 ? time : `${time}（已拨动）`);
  }
}

/** What only this phone knows to have gone wrong. */
export class Hint extends Error {
  constructor(
    message: string,
    readonly whatToDo: string,
  ) {
    super(message);
  }
}

/** What went wrong, what to do, and a number to quote. */
export function trouble(error: unknown): HTMLElement {
  const box = (message: string, whatToDo: string, number = ""): HTMLElement =>
    h("div", { class: "trouble", role: "alert" }, icon("warning"), h("div", {}, h("strong", {}, message), h("p", {}, whatToDo), number && h("p", { class: "number" }, `编号 ${number}`)));
  if (error instanceof Problem) {
    return box(error.message, error.whatToDo, error.number);
  }
  if (error instanceof Hint) {
    return box(error.message, error.whatToDo);
  }
  if (error instanceof NoNetwork) {
    return box(error.message, error.why === "off" ? "请在“设置”里打开手机网络后重试。办事码不需要网络，可以直接出示。" : "请稍后再试。办事码不需要网络，可以直接出示。");
  }
  return box("没有成功。", "请重试；再不成功，请到窗口用身份证办理。");
}

/** A button that does something which may fail: it waits, and says below it why it did not succeed. */
export function action(label: string, run: () => Promise<void>, className = "main", failed: (error: unknown) => void = () => undefined): HTMLElement {
  const said = h("div", { class: "said", "aria-live": "polite" });
  const button = h("button", { type: "button", class: className });
  button.append(label);
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true") {
      return;
    }
    button.setAttribute("aria-disabled", "true");
    said.replaceChildren();
    void run()
      .catch((error: unknown) => {
        said.replaceChildren(trouble(error));
        // The tabs stand below what scrolls: what is said must not stay out of sight behind the edge.
        said.scrollIntoView({ block: "nearest" });
        failed(error);
      })
      .finally(() => button.removeAttribute("aria-disabled"));
  });
  return h("div", { class: "action" }, button, said);
}

/** A button for what cannot be taken back: it says first what follows, and does it when that is confirmed. */
export function asking(label: string, follows: string, confirm: string, run: () => Promise<void>, className = "other"): HTMLElement {
  const place = h("div", { class: "asking" });
  const first = h("button", { type: "button", class: className, click: () => ask() }, label);
  const ask = (): void => {
    const question = h("p", { tabindex: -1 }, follows);
    const back = h("button", { type: "button", class: "other", click: () => leave() }, "不，返回");
    place.replaceChildren(h("div", { class: "card confirm", role: "group", "aria-label": label }, question, action(confirm, run, "main harm"), back));
    question.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  };
  const leave = (): void => {
    place.replaceChildren(first);
    first.focus();
  };
  place.append(first);
  return place;
}
