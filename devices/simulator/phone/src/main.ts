// Where the app starts: `/` is the cast, `/<slug>/` one person's phone.

import { Phone } from "./phone";
import { add, licence, licences, original } from "./view/licences";
import { ask, confirm } from "./view/ask";
import { accept, delegate, delegation, delegations } from "./view/delegations";
import { code, plain } from "./view/code";
import { consent, consents, receipt } from "./view/consents";
import { grant, grants } from "./view/grants";
import { home, mine, settings } from "./view/home";
import { h } from "./view/dom";
import { messages } from "./view/messages";
import { people } from "./view/people";
import { scan } from "./view/scan";
import { Shell } from "./view/shell";
import { signIn } from "./view/sign-in";

const ROUTES = {
  "sign-in": signIn,
  home,
  me: mine,
  settings,
  licences,
  licence,
  original,
  add,
  code,
  plain,
  scan,
  ask,
  confirm,
  delegations,
  delegation,
  delegate,
  accept,
  grants,
  grant,
  consents,
  consent,
  receipt,
  messages,
};

async function run(root: HTMLElement): Promise<void> {
  const slug = location.pathname.split("/")[1];
  if (!slug) {
    return people(root);
  }
  if (!window.isSecureContext || !window.indexedDB) {
    throw new Error("no secure context");
  }
  const phone = await Phone.open(slug);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      void phone.comeToFront().catch(() => undefined);
    }
  });
  await new Shell(phone, ROUTES, (one) => (one.session ? "home" : "sign-in"), root).run();
}

const root = document.getElementById("phone");
if (root) {
  run(root).catch(() => {
    root.replaceChildren(h("div", { class: "strip" }, h("strong", {}, "演示用手机模拟器")), h("p", { class: "empty", role: "alert" }, "手机没有打开。请确认演示大厅正在运行，用较新的 Chromium 打开，然后刷新。"));
  });
}
