// What a window asks for with its code, and the answer that is carried back: 办事码, 刷脸, 用证授权, 委托人确认, 出示证照.

import { type Answer, type Answered, type ChallengeView, type CapacityView, type Confirmation } from "../api";
import type { Challenge } from "../message/code";
import { fitsOneCode, messageIn, qrText, qrTexts } from "../message/scan";
import { h, icon, setText } from "./dom";
import { faceTicket } from "./face";
import { badge, card, choice, empty, moment, note, pairs, qrCode, stands, toggle } from "./parts";
import { action, trouble, type Build, type Context, type Screen } from "./shell";

const TITLES = { code: "出示办事码", face: "窗口刷脸", consent: "服务授权", principal: "请委托人确认", licences: "出示证照" } as const;
const LONG_POLL = 20;

export const ask: Build = async (context) => {
  const { phone } = context;
  const { scanned } = phone;
  if (!scanned) {
    return { title: "扫一扫", parent: "scan", body: h("div", { class: "stack" }, empty("请先扫窗口的二维码。"), h("a", { class: "main", href: "#/scan" }, "扫一扫")) };
  }
  const could = phone.capacities().filter((one) => (scanned.kind === "principal") === (one.as === "delegate"));
  const capacity = could.find((one) => one.capacity === context.rest[0]) ?? could[0];
  const screen = (body: Node): Screen => ({ title: TITLES[scanned.kind], parent: "scan", tab: "scan", body });
  if (!capacity) {
    return screen(h("div", { class: "stack" }, empty("要先有人委托您代办。请委托人在手机上新建委托，您接受后再扫码。"), h("a", { class: "other", href: "#/delegations" }, "委托代办")));
  }
  const picker =
    could.length > 1 &&
    choice(scanned.kind === "principal" ? "委托人" : "以什么身份", could.map((one) => ({ value: one.capacity, zh: one.as === "own" ? `本人 ${one.for}` : `${one.for}（${one.zh}）` })), capacity.capacity, (value) => context.go(`ask/${value}`)).root;
  const body = h("div", { class: "stack" }, picker);
  if (scanned.kind === "code") {
    body.append(await ownAnswer(context, scanned, capacity));
  } else {
    const view = await phone.call(() => phone.citizen.post<ChallengeView>("/challenges", { challenge: qrText(scanned.bytes), capacity: capacity.capacity }, context.signal));
    body.append(asked(context, view));
  }
  return screen(body);
};

/** Kind 办事码: the phone answers by itself, with its key, without network. */
async function ownAnswer({ phone, again, signal }: Context, challenge: Challenge, capacity: CapacityView): Promise<Node> {
  const kept = await phone.attestation(capacity.capacity);
  if (!kept) {
    const open = async (): Promise<void> => {
      await phone.fetchAttestation(capacity.capacity);
      if (!signal.aborted) {
        again();
      }
    };
    return card(h("p", {}, "还没有开通这个身份的办事码，开通需要网络。"), action("开通", open));
  }
  const text = qrText(await phone.drawAnswer(kept, challenge.nonce));
  const late = challenge.expires < phone.now() && note("窗口的二维码可能已经过时。不能用时，请窗口人员重新出示。", "old");
  return h("div", { class: "stack" }, late, shown(text, stands(capacity).join(" · "), ["应答由本机签出，不需要网络。"], "窗口人员已请您出示办事码"));
}

/** The answer for the window's scanner. */
function shown(text: string, who: string, below: readonly string[], title: string, done = true): HTMLElement {
  return h("section", { class: `card code answer${done ? " done" : ""}` }, h("h2", {}, title), h("p", { class: "who" }, who), qrCode(text, "给窗口的应答"), h("p", { class: "until" }, "请向窗口扫码器出示"), ...below.filter(Boolean).map((line) => h("small", {}, line)));
}

/** How long each of several codes stands before the next one, unless the citizen turns them by hand. */
const TURN_MS = 2_500;

/** An answer that one code does not hold: one code after the other, again and again, until somebody turns them by hand. */
function turning(context: Context, codes: readonly string[]): HTMLElement {
  let at = 0;
  let byHand = false;
  const place = h("div", { class: "turning" });
  const where = h("p", { class: "until" });
  const turn = (by: number): void => {
    at = (at + by + codes.length) % codes.length;
    place.replaceChildren(qrCode(codes[at] ?? "", `给窗口的应答，第 ${at + 1} 张，共 ${codes.length} 张`));
    setText(where, `第 ${at + 1} 张，共 ${codes.length} 张`);
  };
  const press = (by: number) => (): void => {
    byHand = true;
    turn(by);
  };
  turn(0);
  context.every(TURN_MS, () => {
    if (!byHand) {
      turn(1);
    }
  });
  return h("div", { class: "stack" }, place, where, h("div", { class: "turn" }, h("button", { class: "other", type: "button", click: press(-1) }, "上一张"), h("button", { class: "other", type: "button", click: press(1) }, "下一张")));
}

/** The centre's answer for the window's scanner: in one code, or in several where one does not hold it. */
function carried(context: Context, answer: string, who: string, below: readonly string[], title: string, done: boolean): HTMLElement {
  const message = messageIn(answer);
  if (!message || fitsOneCode(message)) {
    return shown(answer, who, below, title, done);
  }
  const place = h("div", { class: "stack" });
  const several = async (): Promise<void> => {
    place.append(turning(context, await qrTexts(message)), h("p", { class: "until" }, "请向窗口扫码器逐张出示，先后不限"));
  };
  several().catch((error: unknown) => place.replaceChildren(trouble(error)));
  return h("section", { class: `card code answer${done ? " done" : ""}` }, h("h2", {}, title), h("p", { class: "who" }, who), place, ...below.filter(Boolean).map((line) => h("small", {}, line)));
}

function asked(context: Context, view: ChallengeView): HTMLElement {
  const place = h("div", { class: "stack" });
  const done = (answered: Answered): void => {
    place.replaceChildren(result(context, view, answered));
    place.scrollIntoView();
  };
  switch (view.state) {
    case "open":
      place.append(view.kind === "principal" ? waiting(context, view, done) : decide(context, view, (answer) => send(context, view, answer), done));
      break;
    case "waiting":
      place.append(waiting(context, view, done));
      break;
    default:
      void context.phone
        .call(() => context.phone.citizen.get<Answered>(`/challenges/${view.nonce}`, {}, context.signal))
        .then(done, (error: unknown) => place.replaceChildren(trouble(error)));
  }
  return place;
}

function send({ phone }: Context, view: ChallengeView, answer: Answer): Promise<Answered> {
  return phone.call(() => phone.citizen.post<Answered>(`/challenges/${view.nonce}/answer`, { ...answer, capacity: view.capacity.capacity }));
}

function about(view: ChallengeView): HTMLElement {
  return card(
    // For a principal's confirmation the words are the principal's, not those of the delegate who waits.
    view.capacity.as !== "delegate" && h("p", { class: "sentence" }, view.sentence),
    pairs(
      ["事项", view.item_name],
      ["部门", view.department],
      ["大厅", view.hall],
      ["窗口", view.window],
      [stands(view.capacity)[1], view.capacity.for],
    ),
  );
}

function terms(view: ChallengeView): HTMLElement {
  return card(pairs(["用途", view.purpose], ["保存期限", view.retention], ["撤回", view.withdrawal], ["答复期限", moment(view.expires_at)]));
}

/** 服务授权页面: each licence with its own switch. */
function decide(context: Context, view: ChallengeView, sent: (answer: Answer) => Promise<Answered>, done: (answered: Answered) => void): HTMLElement {
  const refused = new Set<string>();
  const there = view.licences.filter(({ available }) => available);
  const answer = async (decision: "agree" | "refuse"): Promise<void> => {
    const nothing = decision === "refuse" || (there.length > 0 && refused.size === there.length);
    const materials = view.kind === "licences" ? { materials: there.filter(({ material }) => !refused.has(material)).map(({ material }) => material) } : { refused: [...refused] };
    if (nothing) {
      return done(await sent({ decision: "refuse" }));
    }
    const face_ticket = view.needs_face ? await faceTicket(context.phone) : undefined;
    if (face_ticket !== null) {
      done(await sent({ decision: "agree", ...materials, ...(face_ticket ? { face_ticket } : {}) }));
    }
  };
  const face = view.kind === "face";
  const agree = face ? "开始刷脸" : view.kind === "licences" ? "出示" : "确认授权";
  return h(
    "div",
    { class: "stack" },
    about(view),
    view.licences.length > 0 && h("h2", {}, view.kind === "licences" ? "出示哪些证照" : `申请使用 ${view.licences.length} 项证照`),
    view.licences.length > 0 && h("ul", { class: "rows asked" }, ...view.licences.map((one) => licenceRow(one, refused))),
    terms(view),
    view.needs_face && !face && note("按下后先刷脸，确认是您本人。"),
    action(agree, () => answer("agree")),
    action("不同意", () => answer("refuse"), "other"),
  );
}

function licenceRow(one: ChallengeView["licences"][number], refused: Set<string>): HTMLElement {
  const id = `asked-${one.material}`;
  const name = h("strong", { id }, one.name);
  const state = one.status && one.status !== "valid" && badge(one.status_zh ?? one.status, one.status === "changing" ? "old" : "harm");
  const what = h("span", { class: "what" }, h("span", {}, name, " ", one.required && badge("必需", "plain"), state), h("small", {}, one.whose), h("small", {}, one.fields.length > 0 ? `用到：${one.fields.join("、")}` : "只核验状态"));
  const act = one.available ? toggle(id, true, (on) => (on ? refused.delete(one.material) : refused.add(one.material))) : badge("未查询到，请带原件", "old");
  return h("li", { class: "row" }, what, act);
}

/** The delegate waits until the principal has decided elsewhere. */
function waiting(context: Context, view: ChallengeView, done: (answered: Answered) => void): HTMLElement {
  const said = h("div", {});
  const wait = async (): Promise<void> => {
    while (!context.signal.aborted) {
      const now = await context.phone.call(() => context.phone.citizen.get<Answered>(`/challenges/${view.nonce}`, { wait: LONG_POLL }, context.signal));
      if (now.state !== "waiting" && now.state !== "open") {
        return done(now);
      }
    }
  };
  const begin = (): void => {
    said.replaceChildren();
    wait().catch((error: unknown) => {
      if (!context.signal.aborted) {
        said.replaceChildren(trouble(error), h("button", { class: "other", click: begin }, "继续等待"));
      }
    });
  };
  begin();
  return h(
    "div",
    { class: "stack" },
    card(h("div", { class: "closed" }, icon("wait"), h("h2", {}, "等待委托人确认"), h("p", { role: "status" }, `已通知委托人 ${view.capacity.for}。对方在自己的手机上确认后，这里会出现给窗口的二维码。`))),
    said,
    about(view),
    view.licences.length > 0 && h("ul", { class: "rows" }, ...view.licences.map(({ name, fields }) => h("li", { class: "row" }, h("span", { class: "what" }, h("strong", {}, name), h("small", {}, fields.join("、")))))),
  );
}

function result(context: Context, view: ChallengeView, answered: Answered): HTMLElement {
  const { phone, signal } = context;
  const names = new Map(view.licences.map(({ material, name }) => [material, name]));
  const refused = (answered.refused ?? []).map((material) => names.get(material) ?? material);
  const agrees = view.kind === "consent" || view.kind === "principal";
  const all = answered.state === "refused" || (agrees && answered.state === "answered" && (answered.use_codes ?? []).length === 0);
  const title = answered.state === "expired" ? "窗口已不再等待" : all ? "已拒绝" : view.kind === "face" ? "刷脸成功" : view.kind === "licences" ? "可以出示" : "授权成功";
  const place = h("div", { class: "stack" });
  const delivered = h("div", { "aria-live": "polite" });
  const got = (at: number | undefined): boolean => {
    if (at) {
      delivered.replaceChildren(note(`大厅在 ${moment(at)} 已经通过网络收到，不必再出示。`, "done"));
    }
    return Boolean(at);
  };
  if (answered.assertion) {
    place.append(carried(context, answered.assertion, stands(view.capacity).join(" · "), [answered.message ?? "", answered.expires_at ? `有效到 ${moment(answered.expires_at)}` : ""], title, !all));
    if (!got(answered.delivered_at)) {
      context.every(3_000, () => {
        if (!signal.aborted && !delivered.hasChildNodes()) {
          void phone.citizen.get<Answered>(`/challenges/${view.nonce}`, {}, signal).then((now) => got(now.delivered_at), () => undefined);
        }
      });
    }
  } else {
    place.append(card(h("div", { class: "closed" }, icon(answered.state === "answered" && !all ? "done" : "refused"), h("h2", {}, title), answered.message && h("p", {}, answered.message))));
  }
  const used = answered.use_codes ?? [];
  place.append(
    delivered,
    ...(used.length > 0 ? [card(h("h2", {}, "用证码"), pairs(...used.map(({ name, use_code }) => [name, use_code] as const)))] : []),
    ...(refused.length > 0 ? [note(`没有同意：${refused.join("、")}。请带原件办理。`, "old")] : []),
    ...(answered.consent ? [h("a", { class: "other", href: `#/consent/${answered.consent}` }, "查看授权记录")] : []),
  );
  return place;
}

/** 委托人: what a delegate at a window waits for. */
export const confirm: Build = async (context) => {
  const { phone, rest, signal } = context;
  const { confirmations } = await phone.call(() => phone.citizen.get<{ confirmations: Confirmation[] }>("/confirmations", {}, signal));
  const wanted = confirmations.find(({ challenge }) => challenge.nonce === rest[0]);
  if (!wanted) {
    return { title: "委托人确认", parent: "home", body: empty("没有这次请求，或者窗口已不再等待。") };
  }
  const { agent, challenge, state } = wanted;
  const view = { ...challenge, capacity: { ...challenge.capacity, zh: "委托人" } };
  const place = h("div", { class: "stack" });
  const done = (answered: Answered): void => {
    // The code is for the delegate's phone; the principal sees that it is done.
    const { assertion: _, ...rest } = answered;
    place.replaceChildren(result(context, view, { ...rest, message: "已经告知代办人和窗口。" }));
    place.scrollIntoView();
  };
  const confirmed = (answer: Answer): Promise<Answered> => phone.call(() => phone.citizen.post<Answered>(`/confirmations/${challenge.nonce}`, answer));
  const open = state === "open" || state === "waiting";
  place.append(
    ...(open ? [note("代办人正在窗口。确认前，窗口不能使用您的证照。", "old"), decide(context, { ...view, needs_face: true }, confirmed, done)] : []),
  );
  if (!open) {
    place.append(card(note(state === "answered" ? "您已经确认过。" : state === "refused" ? "您已经拒绝。" : "窗口已不再等待。")));
  }
  return {
    title: "委托人确认",
    parent: "home",
    tab: "home",
    body: h("div", { class: "stack" }, card(pairs(["代办人", agent.name], ["证件号码", agent.document])), place),
  };
};
