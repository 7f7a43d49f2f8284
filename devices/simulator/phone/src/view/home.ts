// 首页, 我的, 设置.

import type { Confirmation } from "../api";
import { NoNetwork } from "../api";
import { h, icon } from "./dom";
import { badge, card, field, link, note, pairs } from "./parts";
import { action, trouble, type Build } from "./shell";

const SERVICES = [
  ["licences", "card", "我的证照"],
  ["code", "code", "我的码"],
  ["scan", "scan", "扫一扫"],
  ["delegations", "hands", "委托代办"],
  ["consents", "shield", "我的授权"],
  ["receipt", "receipt", "回执核验"],
] as const;

export const home: Build = async ({ phone, signal, every, again }) => {
  const me = phone.me();
  const waiting = h("div", { class: "rows" });
  const look = async (): Promise<void> => {
    const { confirmations } = await phone.call(() => phone.citizen.get<{ confirmations: Confirmation[] }>("/confirmations", {}, signal));
    const open = confirmations.filter(({ state }) => state === "open" || state === "waiting");
    waiting.replaceChildren(...open.map(({ agent, challenge }) => link(`confirm/${challenge.nonce}`, `待我确认：${challenge.item_name ?? challenge.kind_zh}`, `代办人 ${agent.name} 正在 ${challenge.hall} 办理`, badge("待确认", "old"))));
  };
  const refresh = async (): Promise<void> => {
    const now = await phone.refreshMe();
    if (!signal.aborted && JSON.stringify(now) !== JSON.stringify(me)) {
      return again();
    }
    await phone.refreshAttestations();
    await look();
  };
  const said = h("div", {});
  void refresh().catch((error: unknown) => !signal.aborted && said.replaceChildren(error instanceof NoNetwork ? note(`${error.message}。办事码可以照常出示。`, "old") : trouble(error)));
  every(5_000, () => void look().catch(() => undefined));
  const organisations = me.organisations.length > 0 && link("code/ys", "粤商码", `${me.organisations.length} 家企业 · 领取粤商码 · 免证办事`);
  const body = h(
    "div",
    { class: "stack" },
    h("p", { class: "hello" }, `您好，${me.name}`),
    said,
    waiting,
    link("code/zw", "个人政务码", "向窗口人员出示，免证办事"),
    organisations,
    h("div", { class: "services" }, ...SERVICES.map(([path, drawing, zh]) => h("a", { href: `#/${path}` }, icon(drawing), h("span", {}, zh)))),
  );
  return { title: "政务服务", tab: "home", body };
};

export const mine: Build = ({ phone, go }) => {
  const me = phone.me();
  const organisations = me.organisations.filter(({ role }) => role === "legal_representative");
  const body = h(
    "div",
    { class: "stack" },
    card(pairs(["姓名", me.name], [me.document_kind_zh, me.document], ["手机号码", me.phone], ["实人认证", me.face_checked ? "已通过" : "未通过"])),
    h("div", { class: "rows" }, link("licences", "我的证照"), link("consents", "我的授权", "同意过的用证授权，可以查看和撤回"), link("delegations", "委托代办", "给出的和收到的委托")),
    organisations.length > 0 && h("h2", {}, "企业中心 · 授权管理"),
    h("div", { class: "rows" }, ...organisations.map(({ uscc, name }) => link(`grants/${uscc}`, name, "经办授权人"))),
    h("div", { class: "rows" }, link("receipt", "回执核验"), link("settings", "设置", "网络、时间、大字")),
    action(
      "退出登录",
      async () => {
        await phone.signOut();
        go("sign-in");
      },
      "other",
    ),
  );
  return { title: "我的", tab: "me", body };
};

export const settings: Build = ({ phone, again }) => {
  const network = h("input", { type: "checkbox", id: "network", role: "switch", checked: phone.network });
  const said = h("div", { "aria-live": "polite" });
  network.addEventListener("change", () => void phone.setNetwork(network.checked).then(again, (error: unknown) => said.replaceChildren(trouble(error))));
  const large = h("input", { type: "checkbox", id: "large", role: "switch", checked: phone.settings.largeType });
  large.addEventListener("change", () => void phone.setSettings({ ...phone.settings, largeType: large.checked }));
  const skew = field("时间偏差（分钟）", { type: "number", step: 1, min: -1440, max: 1440, value: phone.settings.skewMinutes }, "负数是走慢了。拨动后可以试一试过时的办事码。");
  skew.input.addEventListener("change", () => void phone.setSettings({ ...phone.settings, skewMinutes: Math.round(Number(skew.input.value)) || 0 }));
  const row = (input: HTMLInputElement, label: string, below: string): HTMLElement =>
    h("div", { class: "row" }, h("label", { class: "what", for: input.id }, h("strong", {}, label), h("small", {}, below)), input);
  const body = h(
    "div",
    { class: "stack" },
    h("div", { class: "rows" }, row(network, "手机网络", "关掉后手机连不上省级中心，也收不到短信。"), row(large, "大字", "全部文字放大。")),
    said,
    card(skew.root),
    note("这里的开关属于模拟器：网络真的断开，时间只改这部手机的。"),
    h("a", { class: "quiet", href: "/" }, "换一位办事人的手机"),
  );
  return { title: "设置", parent: phone.session ? "me" : "sign-in", tab: "me", body };
};
