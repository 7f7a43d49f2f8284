// 我的授权: what one has agreed to, in full, and 撤回. 回执核验 for whoever holds a receipt.

import type { ConsentRecord, ConsentRow, PrintedReceipt, Receipt } from "../api";
import { receiptIn, type ReceiptText } from "../message/scan";
import { h, icon } from "./dom";
import { badge, card, day, done, empty, moment, note, pairs } from "./parts";
import { action, asking, Hint, trouble, type Build } from "./shell";

const WITHDRAWING = "撤回后，窗口不能再使用您的这些证照，已经读到的内容从办件移除，不能恢复。撤回以前已经办的仍然有效。";
const VIA = { phone: "手机", evaluator: "大厅评价器", principal: "委托人确认", office: "大厅评价器告知" } as const;
const PLACE = { window: "大厅窗口", phone: "手机", centre: "省级中心" } as const;

export const consents: Build = async ({ phone, signal }) => {
  const all = (await phone.call(() => phone.citizen.get<{ consents: ConsentRow[] }>("/consents", {}, signal))).consents;
  const body = h(
    "div",
    { class: "stack" },
    all.length === 0 && empty("还没有授权记录。"),
    h(
      "ul",
      { class: "rows" },
      ...all.map((one) =>
        h(
          "li",
          {},
          h(
            "a",
            { class: "row", href: `#/consent/${one.id}` },
            h("span", { class: "what" }, h("strong", {}, one.item_name), h("small", {}, `${one.hall} · ${moment(one.agreed_at)} · ${VIA[one.via]}`), h("small", {}, one.licences.join("、"))),
            badge(one.state_zh, one.state === "in_force" ? "good" : "plain"),
          ),
        ),
      ),
    ),
  );
  return { title: "我的授权", parent: "me", tab: "me", body };
};

export const consent: Build = async ({ phone, rest: [id = ""], signal, again }) => {
  const record = await phone.call(() => phone.citizen.get<ConsentRecord>(`/consents/${id}`, {}, signal));
  const withdrawn = record.events.find(({ event_state }) => event_state === "consent_withdrawn");
  const given = record.events.find(({ event_state }) => event_state === "consent_given");
  const told = record.events.find(({ event_state }) => event_state === "legal_basis_noticed");
  const ended = record.events.find(({ event_state }) => event_state === "consent_ended");
  const state = told ? "依职能查验" : withdrawn ? "已撤回" : ended ? "办件已终止" : "有效";
  const holds = state === "有效";
  const { hall } = record;
  const withdraw = async (): Promise<void> => {
    await phone.call(() => phone.citizen.post(`/consents/${id}/withdraw`));
    again();
  };
  const body = h(
    "div",
    { class: "stack" },
    told && note("这次没有请您授权：办理部门依法查验了下面的证照，并在窗口告知了您。"),
    ended && note("办件已终止，这项授权随之结束，窗口不能再使用这些证照。"),
    withdrawn && done(`已于 ${moment(withdrawn.event_time)} 撤回，大厅已收到通知，不能再使用这些证照。`),
    card(
      h("div", { class: "head" }, h("h2", {}, hall.item_name), badge(state, holds ? "good" : "plain")),
      pairs(
        ["大厅", hall.hall],
        ["窗口", hall.window],
        ["办件编号", hall.case_no],
        ["方式", VIA[hall.via as keyof typeof VIA] ?? hall.via],
        ["办理时", hall.mode === "offline" ? "离线，联网后复核" : hall.mode === "online" ? "在线" : ""],
        ["同意于", given && moment(given.event_time)],
        ["告知于", told && moment(told.event_time)],
        ["撤回于", withdrawn && `${moment(withdrawn.event_time)}（${PLACE[withdrawn.place ?? "phone"]}）`],
        ["终止于", ended && moment(ended.event_time)],
      ),
    ),
    ...record.pii_processing.purposes.map((purpose) =>
      card(
        pairs(["用途", purpose.purpose], ["依据", purpose.lawful_basis], ["使用单位", purpose.pii_controllers.join("、")], ["保存期限", purpose.retention_period], [told ? "有异议" : "怎样撤回", purpose.withdrawal_method]),
        h("ul", { class: "information" }, ...purpose.pii_information.map((one) => h("li", {}, h("strong", {}, one.pii_type), one.agreed === false && badge("未同意", "plain"), h("small", {}, one.fields.join("、")), one.use_code && h("small", {}, `用证码 ${one.use_code}`)))),
      ),
    ),
    card(pairs(["记录编号", record.header.record_id], ["请求摘要", hall.digest_hex])),
    holds && asking("撤回授权", WITHDRAWING, "确认撤回", withdraw),
  );
  return { title: "授权记录", parent: "consents", tab: "me", body };
};

const PRINTED = {
  in_force: ["已核验", "done"],
  legal_basis: ["已核验", "done"],
  withdrawn: ["已经撤回", "refused"],
  ended: ["办件已终止", "refused"],
  taken_in: ["已收件，尚未受理", "warning"],
  received: ["已登记，等待复核", "done"],
  following: ["还要补交材料", "warning"],
  passed: ["复核通过", "done"],
  returned: ["已退回", "refused"],
  in_doubt: ["正在核对", "warning"],
  at_box: ["签名真实，尚未传到省级中心", "warning"],
  erased: ["已核验", "done"],
  unknown: ["与记录不符", "warning"],
} as const;

export const receipt: Build = async ({ phone, signal }) => {
  const place = h("div", { class: "stack", "aria-live": "polite" });
  const checkPrinted = async (printed: string): Promise<void> => {
    const seen = await phone.citizen.post<PrintedReceipt>("/receipts/verify", { receipt: printed });
    const [title, drawing] = PRINTED[seen.state];
    place.replaceChildren(card(h("div", { class: "closed" }, icon(drawing), h("h2", {}, title), h("p", {}, seen.message)), pairs(["授权日期", seen.agreed_on], ["撤回日期", seen.withdrawn_at ? day(seen.withdrawn_at) : undefined], ["登记日期", seen.submitted_on], ["复核日期", seen.decided_on])));
  };
  const check = async (receipt: ReceiptText): Promise<void> => {
    if ("printed" in receipt) {
      return checkPrinted(receipt.printed);
    }
    const { id, digest } = receipt;
    const seen = await phone.citizen.get<Receipt>(`/receipts/${id}`, { digest }, signal);
    const [title, drawing, text] = !seen.genuine
      ? (["与记录不符", "warning", "摘要不是当时同意的内容，请勿采信这张回执。"] as const)
      : seen.state === "withdrawn"
        ? (["已经撤回", "refused", `办事人在 ${seen.withdrawn_at ? day(seen.withdrawn_at) : "后来"} 撤回了授权。`] as const)
        : seen.state === "ended"
          ? (["办件已终止", "refused", "办件已终止，授权随之结束。"] as const)
          : seen.state === "legal_basis"
            ? (["已核验", "done", "回执真实：依职能查验，已告知办事人，不需要授权。"] as const)
            : (["已核验", "done", "回执真实，授权有效。"] as const);
    place.replaceChildren(card(h("div", { class: "closed" }, icon(drawing), h("h2", {}, title), h("p", {}, text)), pairs(["授权日期", seen.agreed_on], ["记录编号", seen.id])));
  };
  const typed = h("textarea", { id: "receipt-text", rows: 3, spellcheck: false });
  const byText = async (): Promise<void> => {
    const found = receiptIn(typed.value);
    if (!found) {
      throw new Hint("这段文字不是回执上的码。", "请扫回执上的二维码，或把二维码的文字完整粘贴。");
    }
    await check(found);
  };
  if (phone.receipt) {
    const wanted = phone.receipt;
    phone.receipt = null;
    await check(wanted).catch((error: unknown) => place.replaceChildren(trouble(error)));
  }
  const body = h(
    "div",
    { class: "stack" },
    place,
    h("a", { class: "main", href: "#/scan" }, "扫回执上的二维码"),
    card(h("div", { class: "field" }, h("label", { for: "receipt-text" }, "或粘贴二维码的文字"), typed), action("核验", byText, "other")),
    note("只告诉您回执是否真实、授权是否还有效、办件办到哪一步，不显示是谁、办什么事。"),
  );
  return { title: "回执核验", parent: "home", tab: "home", body };
};
