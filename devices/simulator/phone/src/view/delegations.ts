// 委托代办: given and received, new, and acceptance by code.

import { Problem, type Delegation, type Department, type Item } from "../api";
import type { Phone } from "../phone";
import { h } from "./dom";
import { faceTicket } from "./face";
import { badge, card, choice, day, done, empty, endOfDay, field, inDays, mark, moment, note, pairs, qrCode, tabs } from "./parts";
import { action, asking, Hint, type Build } from "./shell";

type Both = { given: Delegation[]; received: Delegation[] };

const load = (phone: Phone, signal: AbortSignal): Promise<Both> => phone.call(() => phone.citizen.get<Both>("/delegations", {}, signal));

function stateBadge({ state, state_zh }: Delegation): HTMLElement {
  return badge(state_zh, state === "in_force" ? "good" : state === "pending" ? "old" : "plain");
}

export const delegations: Build = async ({ phone, rest: [side = "given"], signal }) => {
  const both = await load(phone, signal);
  const given = side !== "received";
  const rows = given ? both.given : both.received;
  const body = h(
    "div",
    { class: "stack" },
    tabs("委托", given ? "delegations/given" : "delegations/received", [
      { path: "delegations/given", zh: "给出的" },
      { path: "delegations/received", zh: "收到的" },
    ]),
    rows.length === 0 && empty(given ? "您没有委托过别人。" : "没有人委托您。"),
    h(
      "ul",
      { class: "rows" },
      ...rows.map((one) =>
        h(
          "li",
          {},
          h(
            "a",
            { class: "row", href: `#/delegation/${one.id}` },
            h("span", { class: "what" }, h("strong", {}, given ? `代办人 ${one.agent.name}` : `委托人 ${one.principal.name}`), h("small", {}, `${one.item_name ?? "全部事项"} · 到 ${day(one.until)}`)),
            stateBadge(one),
          ),
        ),
      ),
    ),
    given ? h("a", { class: "main", href: "#/delegate" }, "+ 新建委托") : h("a", { class: "other", href: "#/scan" }, "扫委托二维码"),
  );
  return { title: "委托代办", parent: "home", tab: "home", body };
};

export const delegation: Build = async ({ phone, rest: [id = ""], signal, again, go }) => {
  const both = await load(phone, signal);
  const given = both.given.find((one) => one.id === id);
  const one = given ?? both.received.find((received) => received.id === id);
  const parent = given ? "delegations/given" : "delegations/received";
  if (!one) {
    return { title: "委托", parent, body: empty("没有这件委托。") };
  }
  const said = phone.said();
  const post = (what: string, ended = "") => async (): Promise<void> => {
    await phone.call(() => phone.citizen.post<Delegation>(`/delegations/${id}/${what}`));
    await phone.refreshMe();
    if (ended) {
      phone.say(`已于 ${moment(phone.now())} ${ended}。`);
    }
    again();
  };
  const end = (): HTMLElement => {
    if (given) {
      return asking("撤销委托", `撤销后，${one.agent.name} 不能再替您办理这件事，不能恢复。以后需要的，请重新委托。`, "确认撤销", post("end", "撤销委托，各大厅已收到通知"));
    }
    const [label, what] = one.state === "pending" ? ["谢绝", "谢绝后，您不能替对方办理这件事；以后需要的，请对方重新委托。"] : ["辞去委托", "辞去后，您不能再替对方办理这件事，不能恢复；以后需要的，请对方重新委托。"];
    return asking(label, what, `确认${label.slice(0, 2)}`, post("end", label));
  };
  const live = one.state === "in_force" || one.state === "pending";
  const body = h(
    "div",
    { class: "stack" },
    said && done(said),
    card(
      h("div", { class: "head" }, h("h2", {}, one.item_name ?? "全部事项"), stateBadge(one)),
      pairs(["委托人", `${one.principal.name}　${one.principal.document}`], ["代办人", `${one.agent.name}　${one.agent.document}`], ["可用证照", one.kinds.map(({ name }) => name).join("、")], ["委托于", day(one.created_at)], ["有效期至", day(one.until)]),
    ),
    given && one.state === "pending" && one.accept_code && card(h("h2", {}, "请代办人用“扫一扫”接受"), qrCode(one.accept_code, "委托二维码"), note("代办人也可以在“委托代办 · 收到的”里接受。")),
    !given && one.state === "pending" && action("接受委托", post("accept")),
    !given && one.state === "in_force" && one.capacity && h("button", { class: "main", click: () => go(`code/wt/${one.capacity}`) }, "出示委托人身份码"),
    live && end(),
    note(given ? "代办人在窗口办理时，您要在手机上逐次确认，窗口才能使用您的证照。" : "窗口扫码后，委托人要在手机上确认。"),
  );
  return { title: "委托", parent, tab: "home", body };
};

export const accept: Build = ({ phone, go }) => {
  const { invitation } = phone;
  const run = async (): Promise<void> => {
    const one = await phone.call(() => phone.citizen.post<Delegation>("/delegations/accept", { code: invitation }));
    await phone.refreshMe();
    phone.invitation = null;
    go(`delegation/${one.id}`);
  };
  const body = invitation ? h("div", { class: "stack" }, card(h("p", {}, "有人请您代办。接受后，可以在窗口出示委托人身份码。")), action("接受委托", run), h("a", { class: "other", href: "#/home" }, "不接受")) : empty("请先扫委托二维码。");
  return { title: "接受委托", parent: "scan", tab: "scan", body };
};

const KINDS_OF_DOCUMENT = [
  { value: "resident_id", zh: "居民身份证" },
  { value: "residence_permit", zh: "港澳台居民居住证" },
  { value: "foreign_permanent_resident", zh: "外国人永久居留身份证" },
  { value: "passport", zh: "护照" },
  { value: "hk_mo_travel_permit", zh: "港澳居民来往内地通行证" },
  { value: "taiwan_travel_permit", zh: "台湾居民来往大陆通行证" },
] as const;
type DocumentKind = (typeof KINDS_OF_DOCUMENT)[number]["value"];

/** Name, kind and number of somebody else's document. */
export function personFields(): { roots: HTMLElement[]; value: () => { name: string; document: { kind: string; number: string } }; blame: (error: unknown) => void } {
  let kind: DocumentKind = "resident_id";
  const name = field("姓名", {});
  const document = choice("证件类型", KINDS_OF_DOCUMENT, kind, (value) => (kind = value));
  const number = field("证件号码", { autocapitalize: "characters", spellcheck: false });
  return {
    roots: [name.root, document.root, number.root],
    blame: (error) => {
      const code = error instanceof Problem ? error.code : "";
      mark(name.input, code === "agent-name");
      mark(number.input, code === "agent-number");
    },
    value: () => {
      const filled = { name: name.input.value.trim(), document: { kind, number: number.input.value.trim().toUpperCase() } };
      if (!filled.name || !filled.document.number) {
        throw new Hint("姓名和证件号码都要填写。", "请照对方的证件填写。");
      }
      return filled;
    },
  };
}

export const delegate: Build = async ({ phone, signal, go, rest: [capacity = "own"] }) => {
  const own = capacity === "own";
  const holder = own ? "person" : "organisation";
  const [{ items }, { departments }] = await Promise.all([
    phone.call(() => phone.citizen.get<{ items: Item[] }>("/catalogue/items", {}, signal)),
    phone.call(() => phone.citizen.get<{ departments: Department[] }>("/catalogue", { holder }, signal)),
  ]);
  const kinds = departments.flatMap((department) => department.kinds);
  const could = items.filter(({ applicants }) => applicants.includes(holder));
  const whose = phone.capacities().filter(({ as }) => as === "own" || as === "legal_representative");
  const agent = personFields();
  const chosen = new Set<string>();
  const list = h("ul", { class: "rows" });
  let item = "";
  const draw = (): void => {
    chosen.clear();
    const asked = could.find(({ code }) => code === item)?.kinds;
    const offered = kinds.filter(({ code }) => !asked || asked.includes(code));
    list.replaceChildren(
      ...offered.map(({ code, name }) =>
        h("li", { class: "row" }, h("label", { class: "what" }, h("input", { type: "checkbox", value: code, change: (event) => ((event.target as HTMLInputElement).checked ? chosen.add(code) : chosen.delete(code)) }), " ", name)),
      ),
    );
  };
  const items_ = choice("事项", [{ value: "", zh: "全部事项" }, ...could.map(({ code, name }) => ({ value: code, zh: name }))], "", (value) => {
    item = value;
    draw();
  });
  draw();
  const until = field("委托到哪一天", { type: "date", min: inDays(phone.now(), 0), max: inDays(phone.now(), 365), value: inDays(phone.now(), 30) }, "最长一年。");
  const run = async (): Promise<void> => {
    const person = agent.value();
    if (chosen.size === 0) {
      throw new Hint("请选择可以使用的证照。", "至少选一种，办理时您还要逐次确认。");
    }
    const face_ticket = await faceTicket(phone);
    if (!face_ticket) {
      return;
    }
    const made = await phone.call(() =>
      phone.citizen.post<Delegation>("/delegations", { capacity, agent: person, ...(item ? { item } : {}), kinds: [...chosen], until: endOfDay(until.input.value), face_ticket }),
    );
    go(`delegation/${made.id}`);
  };
  const body = h(
    "div",
    { class: "stack" },
    whose.length > 1 && choice("以谁的名义", whose.map((one) => ({ value: one.capacity, zh: one.as === "own" ? `本人 ${one.for}` : one.for })), capacity, (value) => go(`delegate/${value}`)).root,
    card(h("h2", {}, "代办人"), ...agent.roots),
    card(items_.root, until.root),
    h("h2", {}, "可以使用的证照"),
    list,
    note("按下后先刷脸，确认是您本人。代办人接受后生效。"),
    action("发起委托", run, "main", agent.blame),
  );
  return { title: "新建委托", parent: "delegations/given", tab: "home", body };
};
