// 我的码: the phone draws and signs it itself, every 30 seconds, with or without network.

import type { Capacity, CapacityView } from "../api";
import { WEAK_SECONDS } from "../message/code";
import { qrText } from "../message/scan";
import type { KeptAttestation } from "../store";
import type { Phone } from "../phone";
import { h, icon, setText } from "./dom";
import { card, choice, empty, moment, note, qrCode, stands, tabs } from "./parts";
import { action, trouble, type Build } from "./shell";

/** 个人政务码, 企业政务码, 粤商码, and as 代办人 the principal's code. */
type Code = { path: string; zh: string; open: string; of: (one: CapacityView) => boolean };
const organisation = (one: CapacityView): boolean => one.as === "legal_representative" || one.as === "agent";
const CODES: readonly Code[] = [
  { path: "zw", zh: "个人政务码", open: "开通政务码", of: (one) => one.as === "own" },
  { path: "qy", zh: "企业政务码", open: "开通政务码", of: organisation },
  { path: "ys", zh: "粤商码", open: "领取粤商码", of: organisation },
  { path: "wt", zh: "委托人码", open: "取得委托人身份码", of: (one) => one.as === "delegate" },
];

export const code: Build = async ({ phone, rest: [which = "zw", wanted], signal, every, go, again }) => {
  const kind = CODES.find(({ path }) => path === which) ?? CODES[0];
  const all = phone.capacities();
  const mine = kind ? all.filter(kind.of) : [];
  const shown = CODES.filter(({ of }) => all.some(of));
  const top = shown.length > 1 && tabs("哪一种码", `code/${which}`, shown.map(({ path, zh }) => ({ path: `code/${path}`, zh })));
  const one = mine.find(({ capacity }) => capacity === wanted) ?? mine[0];
  if (!kind || !one) {
    return { title: "我的码", tab: "code", parent: "home", body: h("div", { class: "stack" }, top, empty("您没有这种码。企业的码由法定代表人或经办授权人出示。")) };
  }
  const picker = mine.length > 1 && choice(which === "wt" ? "委托人" : "企业", mine.map(({ capacity, for: name, zh }) => ({ value: capacity, zh: `${name}（${zh}）` })), one.capacity, (capacity) => go(`code/${which}/${capacity}`)).root;
  let kept = await phone.attestation(one.capacity);
  const place = h("div", { class: "stack" });
  const body = h("div", { class: "stack" }, top, picker, place);
  if (kept) {
    void refreshed(phone, one.capacity, kept).then((fresh) => fresh && (kept = fresh), () => undefined);
    live(phone, () => kept, kind.zh, one, place, every, again);
  } else {
    const fetch = async (): Promise<void> => {
      await phone.fetchAttestation(one.capacity);
      if (!signal.aborted) {
        again();
      }
    };
    place.append(
      card(
        h("div", { class: "closed" }, icon("code"), h("h2", {}, stands(one).join(" · ")), h("p", {}, "开通后由本机生成，没有网络时也能出示，最长 24 小时。")),
        action(which === "ys" ? "领取粤商码 · 免证办事" : kind.open, fetch),
      ),
    );
  }
  return { title: kind.zh, tab: "code", parent: "home", body };
};

async function refreshed(phone: Phone, capacity: Capacity, kept: KeptAttestation): Promise<KeptAttestation | null> {
  const before = kept.expiresAt;
  await phone.refreshAttestations();
  const now = await phone.attestation(capacity);
  return now && now.expiresAt !== before ? now : null;
}

/** Keeps a code on the screen that is never older than half a minute. */
function live(phone: Phone, kept: () => KeptAttestation | null, zh: string, one: CapacityView, place: HTMLElement, every: (ms: number, run: () => void) => void, again: () => void): void {
  const square = h("div", {});
  const bar = h("progress", { max: WEAK_SECONDS, "aria-label": "离更换还有" });
  const left = h("span", { role: "timer", "aria-live": "off" });
  const until = h("p", { class: "until" });
  const said = h("div", {});
  let drawnAt = 0;
  const draw = async (): Promise<void> => {
    const attestation = kept();
    if (!attestation || attestation.expiresAt <= phone.now()) {
      return again();
    }
    drawnAt = phone.now();
    const text = qrText(await phone.drawWeak(attestation));
    square.replaceChildren(qrCode(text, [zh, ...stands(one)].join("，")));
  };
  const tick = (): void => {
    const attestation = kept();
    const rest = WEAK_SECONDS - (phone.now() - drawnAt);
    if (rest <= 0 || rest > WEAK_SECONDS) {
      void draw().then(tick, (error: unknown) => said.replaceChildren(trouble(error)));
      return;
    }
    bar.value = rest;
    setText(left, `${rest} 秒后自动更换`);
    if (attestation) {
      setText(until, `${phone.network ? "没有网络也能出示" : "无网络，照常出示"}，有效到 ${moment(attestation.expiresAt)}`);
      until.classList.toggle("off", !phone.network);
    }
  };
  place.append(
    h(
      "section",
      { class: "card code" },
      h("p", { class: "who" }, h("strong", {}, stands(one)[0]), h("span", {}, stands(one)[1])),
      square,
      h("div", { class: "countdown" }, bar, left),
      h("button", { class: "other", click: () => void draw().then(tick) }, "立即更换"),
      until,
      said,
    ),
    h("a", { class: "quiet", href: `#/plain/${one.capacity}` }, "窗口读不出？换普通码"),
    note(one.as === "delegate" ? `委托事项：${one.item_name ?? "全部事项"}。窗口扫码后，委托人要在自己的手机上确认。` : "请向窗口人员出示，只供扫描。截图过一会儿就不能用。"),
  );
  every(1_000, tick);
  tick();
}

/** 普通码, as today's 政务码 and 粤商码 are: it says nothing without the centre, so phone and hall both need their lines. */
export const plain: Build = async ({ phone, rest: [capacity = "own"], signal, every, again }) => {
  type Plain = { code: string; expires_at: number; capacity: CapacityView };
  const seen = await phone.call(() => phone.citizen.get<Plain>("/codes/plain", { capacity }, signal));
  const one = seen.capacity;
  every(1_000, () => phone.now() >= seen.expires_at && again());
  const body = h(
    "div",
    { class: "stack" },
    h("section", { class: "card code" }, h("p", { class: "who" }, h("strong", {}, stands(one)[0]), h("span", {}, stands(one)[1])), qrCode(seen.code, "普通码"), h("p", { class: "until off" }, `有效到 ${moment(seen.expires_at)}，手机和大厅都要有网络`)),
  );
  return { title: seen.code.startsWith("YS") ? "粤商码（普通）" : "政务码（普通）", tab: "code", parent: one.as === "own" ? "code/zw" : `code/${one.as === "delegate" ? "wt" : "qy"}/${capacity}`, body };
};
