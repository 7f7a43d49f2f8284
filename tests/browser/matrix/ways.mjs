// 方式: each row of the matrix, from an empty desk to the form, with everything that it takes.

import { until } from "../support/hall.mjs";

/** Letters that find the item of each tier first. One person, and one shop, holds whatever they ask for. */
const ITEMS = {
  个人: { T0: "zhck", T1: "sydj", T2: "jdcjsz", T3: "bdczy" },
  法人: { T0: "zhck", T1: "dwcb", T2: "jyxm", T3: "gsfd" },
};
/** Who has those licences and stands for that shop, who acts for both, and who has nothing. */
const CAST = { 个人: "wang-fang", 法人: "ma-wenting" };
const HELPER = "xu-hao";
const STRANGER = { 个人: "wu-yong", 法人: "ma-wenting" };
const KINDS = {
  个人: ["居民身份证", "社会保障卡", "机动车驾驶证", "不动产权证书"],
  法人: ["营业执照", "烟草专卖零售许可证", "食品经营许可证"],
};

/** What these ways need before they start, while the line is up: phones signed in, codes opened, a mandate or a grant. */
export async function prepared(window, applicant, ways) {
  const slug = CAST[applicant];
  const cast = await window.hall.cast();
  const who = cast.find((one) => one.slug === slug);
  const [shop] = cast.find((one) => one.slug === CAST.法人).represents;
  const capacity = applicant === "个人" ? "own" : `org:${shop.uscc}`;
  const [entrusted, granted] = ["委托代办，电子", "经办授权人"].map((word) => ways.some((way) => way.startsWith(word)));
  const table = { applicant, slug, who, shop, capacity, principal: await window.phone(slug) };
  await table.principal.showCode(applicant === "个人" ? "zw" : "ys", capacity);
  if (entrusted || granted) {
    table.helper = await window.phone(HELPER);
  }
  if (entrusted) {
    await table.principal.delegate(HELPER, { kinds: KINDS[applicant], capacity });
    await table.helper.acceptFrom(table.principal);
    await table.helper.button("出示委托人身份码").tap();
    await table.helper.showCode("wt");
  }
  if (granted) {
    await table.principal.grant(shop.uscc, HELPER);
    await until("the agent's phone to hear of it", async () => {
      await table.helper.open("home");
      return table.helper.page.getByRole("link", { name: /^粤商码/ }).isVisible();
    });
    await table.helper.showCode("qy", capacity);
  }
  return table;
}

/** Serves somebody in this way, until the form stands on the desk, or it is "refused". */
export async function serve(window, table, { way, tier, line }) {
  const at = { window, clerk: window.desk, ...table, up: line === "在线" };
  await at.clerk.begin(ITEMS[table.applicant][tier], table.applicant);
  return WAYS[way](at);
}

const WAYS = {
  "实体身份证，证照在本厅缓存": async (at) => {
    await card(at, at.slug);
    await agreeOnGlass(at);
  },
  "实体身份证，未缓存，带纸质原件": async (at) => {
    await card(at, STRANGER[at.applicant]);
    await onPaper(at);
  },
  "办事码，普通": async (at) => {
    const text = await plainCode(at);
    if (at.up) {
      await scan(at, text);
      return agreeOnGlass(at);
    }
    await at.clerk.uncounted(() => at.window.scan(text));
    await at.clerk.page.getByText("普通政务码无法核验").waitFor();
    return "refused";
  },
  "办事码，持有人，只扫一次": async (at) => {
    await scan(at, await anotherCode(at.principal, at.applicant === "个人" ? "zw" : "ys", at.capacity));
    await agreeOnGlass(at);
  },
  "办事码，持有人，应答挑战": async (at) => {
    await answerChallenge(at, at.principal);
    await agreeOnGlass(at);
  },
  "窗口刷脸，手机授权并出示证照": async (at) => {
    await face(at, at.principal);
    await agreeOnPhone(at, at.principal);
  },
  "窗口刷脸，事项已预先核准": (at) => WAYS["窗口刷脸，手机授权并出示证照"](at),
  "委托代办，纸质委托书": async (at) => {
    const { name, number } = at.applicant === "个人" ? at.who : { name: at.shop.name, number: at.shop.uscc };
    await at.clerk.paperMandate(name, number);
    await at.clerk.identify("W01", HELPER);
    await at.clerk.stepSays("免证清单");
    await at.window.hall.lift("W01");
    await onPaper(at);
  },
  "委托代办，电子委托，委托人未确认": async (at) => {
    await delegateComes(at);
    await onPaper(at);
  },
  "委托代办，电子委托，委托人已确认": async (at) => {
    await delegateComes(at);
    if (await nothingToAsk(at)) {
      return onPaper(at);
    }
    await at.clerk.press("F9");
    await at.helper.scanFrom(await at.window.glass());
    await at.helper.says("等待委托人确认");
    await at.principal.confirm();
    if (!at.up) {
      await scan(at, await at.helper.answer());
    }
    await at.window.citizen.page.locator(".page.notice").waitFor();
    await at.window.citizen.agree();
    await filled(at);
  },
  "经办授权人，持身份证": async (at) => {
    await card(at, HELPER);
    await agreeOnGlass(at);
  },
  "经办授权人，办事码应答挑战": async (at) => {
    await answerChallenge(at, at.helper);
    await agreeOnGlass(at);
  },
  "经办授权人，刷脸": async (at) => {
    await face(at, at.helper);
    await agreeOnPhone(at, at.helper);
  },
  "依职能查验，已告知": async (at) => {
    await card(at, at.slug);
    if (await nothingToAsk(at)) {
      return onPaper(at);
    }
    await at.clerk.office(at.window.hall.account("hall-admin"));
    await at.window.citizen.page.locator(".page.notice").waitFor();
    await at.window.citizen.agree();
    await filled(at);
  },
};

/** The ways that can be driven. */
export const DRIVEN = Object.keys(WAYS);

/** The card, for a shop after its code, is compared; the list stands there. */
async function card({ window, clerk, applicant, shop }, slug) {
  if (applicant === "法人") {
    await clerk.page.locator("#uscc:focus").waitFor();
    await clerk.type(shop.uscc);
    await clerk.page.keyboard.press("Enter");
    await clerk.stepSays(shop.name);
  }
  await clerk.identify("W01", slug);
  await clerk.stepSays("免证清单");
  await window.hall.lift("W01");
}

async function scan({ window, clerk }, text) {
  await clerk.uncounted(() => window.scan(text));
  await clerk.stepSays(/免证清单|项已由证照填好|委托人已确认/);
}

/** A code that says nothing without the centre. The phone fetches it while its owner still waits. */
async function plainCode({ principal, capacity }) {
  await principal.open(`plain/${capacity}`);
  return principal.qrText();
}

/** A code that has not been shown yet. */
async function anotherCode(phone, kind, capacity) {
  await phone.showCode(kind, capacity);
  await phone.button("立即更换").tap();
  return phone.qrText();
}

async function answerChallenge(at, phone) {
  await at.clerk.press("F9");
  await phone.scanFrom(await at.window.glass());
  await chooseCapacity(at, phone);
  await scan(at, await phone.answer());
}

/** For whom one answers, where the phone asks. */
async function chooseCapacity({ capacity }, phone) {
  const picker = phone.page.getByLabel("以什么身份");
  await picker.or(phone.page.locator(".answer, .rows.asked, .sentence")).first().waitFor();
  if ((await picker.count()) > 0 && (await picker.inputValue()) !== capacity) {
    const before = await picker.elementHandle();
    await phone.as(capacity);
    // The page is made anew for the other capacity; what is tapped before that is tapped on the old one.
    await phone.page.waitForFunction(([old, wanted]) => !old.isConnected && document.querySelector("select")?.value === wanted, [before, capacity]);
  }
}

async function face(at, phone) {
  await at.clerk.press("F4");
  await throughPhone(at, phone);
  await at.clerk.stepSays("免证清单");
}

async function agreeOnPhone(at, phone) {
  if (await nothingToAsk(at)) {
    return onPaper(at);
  }
  await at.clerk.press("F9");
  await throughPhone(at, phone);
  await filled(at);
}

/** The phone takes what stands on the evaluator and answers: by the line, or carried. */
async function throughPhone(at, phone) {
  await phone.scanFrom(await at.window.glass());
  await chooseCapacity(at, phone);
  const answer = await phone.agree();
  if (!at.up) {
    await scan(at, answer);
  }
}

/** 代办人 shows the principal's code, and their own card. */
async function delegateComes(at) {
  await scan(at, await anotherCode(at.helper, "wt"));
  await at.clerk.readDelegate("W01", HELPER);
  await at.window.hall.lift("W01");
}

async function agreeOnGlass({ window, clerk }) {
  if (await nothingToAsk({ clerk })) {
    return onPaper({ clerk });
  }
  await clerk.press("F6");
  await window.citizen.asked();
  await window.citizen.agree();
  await filled({ clerk });
}

/** Whether the item asks for nothing that a licence replaces, as for a company that hands papers in. */
async function nothingToAsk({ clerk }) {
  await clerk.stepSays("免证清单");
  return (await clerk.page.locator('#case-step [data-key="F6"][disabled]').count()) > 0;
}

async function onPaper({ clerk }) {
  await clerk.press("F7");
  await filled({ clerk });
}

async function filled({ clerk }) {
  await clerk.page.locator("#sheet").waitFor();
}
