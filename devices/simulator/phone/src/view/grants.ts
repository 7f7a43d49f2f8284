// 授权管理: an organisation's 经办授权人, and a new one after a code to the organisation's registered number.

import { Problem, type Grant } from "../api";
import { h } from "./dom";
import { personFields } from "./delegations";
import { badge, card, day, done, empty, endOfDay, field, inDays, mark, moment, note } from "./parts";
import { action, asking, type Build } from "./shell";

export const grants: Build = async ({ phone, rest: [uscc = ""], signal, again }) => {
  const all = (await phone.call(() => phone.citizen.get<{ grants: Grant[] }>(`/organisations/${uscc}/grants`, {}, signal))).grants;
  const name = phone.me().organisations.find((one) => one.uscc === uscc)?.name ?? "";
  const said = phone.said();
  const revoke = (one: Grant) => async (): Promise<void> => {
    await phone.call(() => phone.citizen.post(`/organisations/${uscc}/grants/${one.id}/revoke`));
    phone.say(`已于 ${moment(phone.now())} 解除 ${one.name} 的授权，各大厅已收到通知。`);
    again();
  };
  const row = (one: Grant): HTMLElement =>
    h(
      "tr",
      {},
      h("td", { "data-label": "账号" }, one.account),
      h("td", { "data-label": "姓名" }, one.name),
      h("td", { "data-label": "证件号码" }, one.document),
      h("td", { "data-label": "授权有效期" }, `${day(one.from)} 至 ${day(one.until)}`),
      h("td", { "data-label": "操作" }, one.state === "in_force" || one.state === "not_yet" ? asking("解除授权", `解除后，${one.name} 不能再代表本单位办理，已出示的码也作废，不能恢复。以后需要的，请重新授权。`, "确认解除", revoke(one), "small") : badge(one.state_zh, "plain")),
    );
  const body = h(
    "div",
    { class: "stack" },
    said && done(said),
    h("p", { class: "hello" }, name),
    h("div", { class: "head" }, h("h2", {}, "已授权账号"), h("a", { class: "small", href: `#/grant/${uscc}` }, "⊕ 新增授权")),
    all.length === 0
      ? empty("还没有经办授权人。")
      : h("table", {}, h("thead", {}, h("tr", {}, ...["账号", "姓名", "证件号码", "授权有效期", "操作"].map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, ...all.map(row))),
    note("授权后，经办授权人在自己的手机上可以出示本企业的码。解除后立即通知各大厅。"),
  );
  return { title: "授权管理", parent: "me", tab: "me", body };
};

export const grant: Build = ({ phone, rest: [uscc = ""], go }) => {
  const agent = personFields();
  const mobile = field("账号（手机号）", { inputmode: "numeric", maxlength: 11 });
  const until = field("授权有效期至", { type: "date", min: inDays(phone.now(), 0), max: inDays(phone.now(), 5 * 365), value: inDays(phone.now(), 365) });
  const otp = field("短信验证码", { inputmode: "numeric", maxlength: 6, autocomplete: "one-time-code" });
  const sentTo = h("p", { class: "hint", role: "status" });
  const second = h("div", { class: "stack", hidden: true });
  const verify = action(
    "去验证",
    async () => {
      const { phone: masked } = await phone.call(() => phone.citizen.post<{ phone: string }>(`/organisations/${uscc}/otp`));
      sentTo.textContent = `验证码已发到 ${masked}。`;
      second.hidden = false;
      otp.input.focus();
    },
    "other",
  );
  const run = async (): Promise<void> => {
    await phone.call(() =>
      phone.citizen.post<Grant>(`/organisations/${uscc}/grants`, { otp: otp.input.value.trim(), agent: { ...agent.value(), phone: mobile.input.value.trim() }, until: endOfDay(until.input.value) }),
    );
    go(`grants/${uscc}`);
  };
  const blame = (error: unknown): void => {
    agent.blame(error);
    mark(mobile.input, error instanceof Problem && error.code === "agent-phone");
  };
  second.append(card(otp.root, h("h2", {}, "经办授权人"), ...agent.roots, mobile.root, until.root), action("完成授权", run, "main", blame));
  const body = h("div", { class: "stack" }, card(h("p", {}, "为确认您的账号安全，请先完成身份认证：通过手机号进行验证。"), verify, sentTo), second, note("对方要先完成个人实名注册。"));
  return { title: "新增授权", parent: `grants/${uscc}`, tab: "me", body };
};
