// 登录: name and document, the code that comes as a text message, and the first time the face (实名实人认证).

import type { SignedIn, Started } from "../api";
import { h } from "./dom";
import { takeFace } from "./face";
import { card, field, note } from "./parts";
import { action, type Build } from "./shell";

export const signIn: Build = ({ phone, go }) => {
  const { carrier } = phone;
  const name = field("姓名", { value: carrier.name, autocomplete: "name" });
  const number = field("证件号码", { value: carrier.document.number, autocapitalize: "characters", spellcheck: false });
  const mobile = field("手机号码", { value: carrier.mobile, inputmode: "numeric", maxlength: 11 });
  const otp = field("短信验证码", { inputmode: "numeric", maxlength: 6, autocomplete: "one-time-code" }, "六位数字，五分钟内有效。");
  const agreed = h("input", { type: "checkbox", id: "agreed" });
  const second = h("div", { class: "second", hidden: true });
  let started: Started | null = null;

  const begin = async (): Promise<void> => {
    const document = { kind: carrier.document.kind, number: number.input.value.trim().toUpperCase() };
    started = await phone.citizen.post<Started>("/sessions", { name: name.input.value.trim(), document, phone: mobile.input.value.trim() });
    second.hidden = false;
    otp.input.focus();
  };
  const finish = async (): Promise<void> => {
    if (!started) {
      return;
    }
    const { session, face_required } = started;
    const device_key = await phone.publicKey();
    const send = (more: object): Promise<SignedIn> => phone.citizen.post<SignedIn>(`/sessions/${session}`, { otp: otp.input.value.trim(), device_key, device_name: "演示用手机", ...more });
    const signedIn = face_required ? await takeFace(phone, (face) => send({ face })) : await send({});
    if (signedIn) {
      await phone.signedIn(signedIn);
      go("home");
    }
  };
  const get = action("获取验证码", begin, "other");
  second.append(otp.root, action("登录", finish));
  const askFirst = (): void => {
    get.hidden = !agreed.checked;
    needed.hidden = agreed.checked;
  };
  const needed = h("p", { class: "hint" }, "请先阅读并勾选同意。");
  agreed.addEventListener("change", askFirst);
  askFirst();

  const body = h(
    "div",
    { class: "stack" },
    note(`这是${carrier.name}的手机。${carrier.note ? `${carrier.note}。` : ""}人员和号码都是虚构的，已经填好。`),
    card(
      name.root,
      number.root,
      mobile.root,
      h("div", { class: "agree" }, agreed, h("label", { for: "agreed" }, "我已阅读并遵守同意《用户服务协议》和《隐私协议》（演示）")),
      needed,
      get,
      second,
    ),
    h("a", { class: "quiet", href: "/" }, "换一位办事人的手机"),
  );
  return { title: "登录", body };
};
