// 我的证照: the cards, 添加 by kind and by department, and the original after a face check.

import type { Department, Kind, LicenceCard, Original } from "../api";
import type { Phone } from "../phone";
import { h } from "./dom";
import { faceTicket } from "./face";
import { badge, choice, empty, field, moment, note, pairs, tabs } from "./parts";
import { action, type Build } from "./shell";

/** Whose licences: one's own, or those of an organisation. */
function holders(phone: Phone): { value: string; zh: string }[] {
  return phone.capacities().filter((one) => one.as !== "delegate").map((one) => ({ value: one.capacity, zh: one.as === "own" ? "个人证照" : `企业证照 · ${one.for}` }));
}

function cards(phone: Phone, capacity: string, signal: AbortSignal): Promise<{ licences: LicenceCard[] }> {
  return phone.call(() => phone.citizen.get<{ licences: LicenceCard[] }>("/licences", { capacity }, signal));
}

export function statusBadge({ status, status_zh, expired }: { status: string; status_zh: string; expired: boolean }): HTMLElement {
  return expired ? badge("已过期", "harm") : badge(status_zh, status === "valid" ? "good" : status === "changing" ? "old" : "harm");
}

export const licences: Build = async ({ phone, rest: [capacity = "own"], signal, go }) => {
  const all = (await cards(phone, capacity, signal)).licences;
  const whose = holders(phone);
  const body = h(
    "div",
    { class: "stack" },
    whose.length > 1 && choice("持证主体", whose, capacity, (value) => go(`licences/${value}`)).root,
    all.length === 0 && empty("您还未添加证照，请先添加"),
    h(
      "ul",
      { class: "licences" },
      ...all.map((one) =>
        h(
          "li",
          {},
          h(
            "a",
            { class: "licence", href: `#/licence/${capacity}/${one.licence}` },
            h("span", { class: "head" }, h("strong", {}, one.name), statusBadge(one)),
            h("span", {}, one.holder),
            h("span", { class: "digits" }, one.number),
            h("small", {}, one.issuer),
          ),
        ),
      ),
    ),
    h("a", { class: "main", href: `#/add/${capacity}/kinds` }, "+ 添加证照"),
  );
  return { title: "我的证照", tab: "home", parent: "home", body };
};

export const licence: Build = async ({ phone, rest: [capacity = "own", id = ""], signal, go }) => {
  const one = (await cards(phone, capacity, signal)).licences.find(({ licence }) => licence === id);
  if (!one) {
    return { title: "电子证照", parent: `licences/${capacity}`, body: empty("没有这件证照，可能已经移除。") };
  }
  const original = async (): Promise<void> => {
    const face_ticket = await faceTicket(phone);
    if (face_ticket) {
      phone.original = await phone.call(() => phone.citizen.post<Original>("/licences/original", { licence: id, face_ticket, capacity }));
      go(`original/${capacity}/${id}`);
    }
  };
  const remove = async (): Promise<void> => {
    await phone.call(() => phone.citizen.post("/claims/remove", { kind: one.kind, capacity }));
    go(`licences/${capacity}`);
  };
  const body = h(
    "div",
    { class: "stack" },
    h(
      "section",
      { class: "card certificate" },
      h("div", { class: "head" }, h("h2", {}, one.name), statusBadge(one)),
      pairs(["持证人", one.holder], ["证件号码", one.number], ["发证日期", one.issued], ["发证机关", one.issuer], ["有效期至", one.valid_until ?? "长期"]),
    ),
    note("电子证照与实体证照具有同等法律效力。截图不是证照，请让窗口扫码核验。"),
    action("查看证照原件", original),
    h("a", { class: "other", href: `#/scan` }, "我要授权（扫窗口的二维码）"),
    action("移除", remove, "quiet"),
  );
  return { title: "电子证照", parent: `licences/${capacity}`, tab: "home", body };
};

export const original: Build = ({ phone, rest: [capacity = "own", id = ""], go }) => {
  const seen = phone.original;
  phone.original = null;
  const parent = `licence/${capacity}/${id}`;
  if (!seen) {
    return { title: "证照原件", parent, body: h("div", { class: "stack" }, note("原件看过就收起。要再看，请重新刷脸。"), h("button", { class: "main", click: () => go(parent) }, "返回证照")) };
  }
  const body = h(
    "div",
    { class: "stack" },
    h(
      "section",
      { class: "card paper" },
      h("div", { class: "head" }, h("h2", {}, seen.name), statusBadge({ ...seen, expired: false })),
      pairs(...seen.fields.map(({ label, value }) => [label, value] as const)),
      h("p", { class: "watermark" }, seen.watermark),
    ),
    note(`状态核验于 ${moment(seen.checked_at)}。`),
  );
  return { title: "证照原件", parent, tab: "home", body };
};

/** 添加证照: claims a kind for the holder. */
export const add: Build = async ({ phone, rest: [capacity = "own", by = "kinds"], signal, go }) => {
  const holder = capacity === "own" ? "person" : "organisation";
  const [{ departments }, { licences: held }] = await Promise.all([
    phone.call(() => phone.citizen.get<{ departments: Department[] }>("/catalogue", { holder }, signal)),
    cards(phone, capacity, signal),
  ]);
  const has = new Set(held.map(({ kind }) => kind));
  const search = field("查找证照", { type: "search", placeholder: "请输入证照名称" });
  const list = h("div", { class: "stack" });
  const row = (kind: Kind): HTMLElement => {
    const claim = async (): Promise<void> => {
      await phone.call(() => phone.citizen.post("/claims", { kind: kind.code, capacity }));
      go(`licences/${capacity}`);
    };
    const act = has.has(kind.code) ? badge("已添加", "plain") : action("添加", claim, "small");
    return h("li", { class: "row" }, h("span", { class: "what" }, h("strong", {}, kind.name), by === "kinds" && h("small", {}, kind.department)), act);
  };
  const draw = (): void => {
    const words = search.input.value.trim();
    const found = departments.map(({ department, kinds }) => ({ department, kinds: kinds.filter(({ name }) => name.includes(words)) })).filter(({ kinds }) => kinds.length > 0);
    const rows = (kinds: Kind[]): HTMLElement => h("ul", { class: "rows" }, ...kinds.map(row));
    const byKind = found.flatMap(({ kinds }) => kinds).sort((a, b) => a.name.localeCompare(b.name, "zh-CN"));
    list.replaceChildren(
      ...(found.length === 0 ? [empty("没有这个名称的证照")] : by === "kinds" ? [rows(byKind)] : found.map(({ department, kinds }) => h("section", {}, h("h2", {}, department), rows(kinds)))),
    );
  };
  search.input.addEventListener("input", draw);
  draw();
  const body = h(
    "div",
    { class: "stack" },
    tabs("查找方式", `add/${capacity}/${by}`, [
      { path: `add/${capacity}/kinds`, zh: "按种类" },
      { path: `add/${capacity}/departments`, zh: "按部门" },
    ]),
    search.root,
    list,
  );
  return { title: "添加证照", parent: `licences/${capacity}`, tab: "home", body };
};
