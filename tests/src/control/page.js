"use strict";
// The control page: shows the hall's state every second and sends what is pressed. All text is set as text.

const $ = (selector, within = document) => within.querySelector(selector);
const LINE = { up: ["正常", "good"], cut: ["已切断", "harm"], slow: ["缓慢", "old"], stalled: ["假连", "old"] };
const RUNNING = { running: ["运行中", "good"], stopped: ["已停止", "harm"] };
const FAULTS = { lifted_mid_read: "下次读到一半拿走", unreadable: "读不出", garbage: "串口乱码", wrong_checksum: "校验错", silent: "不应答" };
const OUTCOMES = {
  awaiting: "等待认定", ratified: "复核通过", conditional: "有条件通过", "returned-revoked": "退回：证照失效", "passed-revoked-later": "通过，事后失效提醒",
  "returned-duplicate": "退回：重复", "returned-mandate": "退回：授权无效", "doubtful-clock": "存疑：时钟", conflict: "冲突",
};
const LICENCE = { valid: "有效", revoked: "已注销", suspended: "暂扣", changing: "变更中" };

let cast = [];
let endpoints = null;
let state = null;
const windows = new Map();

async function ask(path, method = "GET", body) {
  const options = { method, cache: "no-store" };
  if (body !== undefined) {
    options.headers = { "content-type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(answer.error ?? "没有成功");
  }
  return answer;
}

async function act(path, method, body) {
  try {
    show(await ask(path, method, body));
    notice("");
  } catch (error) {
    notice(error.message);
  }
}

function notice(text) {
  $("#notice").textContent = text;
  $("#notice").hidden = text === "";
}

function mark(place, [text, tone]) {
  place.textContent = text;
  place.className = `state ${tone}`;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function described(member) {
  const stands = member.represents.map((one) => `${one.name} ${one.uscc}`).join("；");
  return [member.note, member.card, member.valid_until ? `至 ${member.valid_until}` : "长期", stands].filter(Boolean).join(" · ");
}

function makeWindow(id, name) {
  const part = $("#window").content.firstElementChild.cloneNode(true);
  $("h2", part).textContent = name;
  $("[data-id]", part).textContent = id;
  part.id = id;
  const path = `/api/windows/${id}`;
  $("[data-act=lift]", part).onclick = () => act(`${path}/card`, "DELETE");
  $("[data-act=plug]", part).onclick = () => {
    const now = state.windows.find((window) => window.id === id);
    void act(`${path}/reader`, "POST", { plugged: !now.plugged });
  };
  $("[data-act=fault]", part).onchange = (event) => act(`${path}/fault`, "POST", { fault: event.target.value || null });
  const evaluator = endpoints.windows.find((window) => window.id === id)?.evaluator;
  $(".pair a", part).href = evaluator;
  $(".pair", part).onsubmit = async (event) => {
    event.preventDefault();
    const said = $(".said", part);
    const code = event.target.elements.code;
    try {
      const { sentence } = await ask("/api/pair", "POST", { code: code.value, window: id });
      said.textContent = sentence;
      said.className = "said right";
      code.value = "";
    } catch (error) {
      said.textContent = error.message;
      said.className = "said wrong";
    }
  };
  picker(part, (slug) => act(`${path}/card`, "POST", { card: slug }));
  $("#windows").append(part);
  return part;
}

/** A search field over the cast: arrows move, Enter or a click lays the card down. */
function picker(part, take) {
  const field = $("input[type=search]", part);
  const list = $("ul", part);
  let chosen = 0;
  list.id = `${part.id}-cast`;
  field.setAttribute("aria-controls", list.id);
  const close = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
  };
  const choose = (slug) => {
    field.value = "";
    close();
    take(slug);
  };
  const draw = () => {
    const words = field.value.trim().toLowerCase();
    const found = cast.filter((member) => `${member.name} ${member.slug} ${described(member)}`.toLowerCase().includes(words));
    chosen = Math.max(0, Math.min(chosen, found.length - 1));
    list.replaceChildren(
      ...found.map((member, at) => {
        const row = element("li", member.name, { role: "option", "aria-selected": String(at === chosen), "data-slug": member.slug });
        row.append(element("small", described(member)));
        row.onmousedown = (event) => {
          event.preventDefault();
          choose(member.slug);
        };
        return row;
      }),
    );
    list.hidden = found.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  field.oninput = () => {
    chosen = 0;
    draw();
  };
  field.onfocus = draw;
  field.onblur = close;
  field.onkeydown = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      chosen += event.key === "ArrowDown" ? 1 : -1;
      draw();
    } else if (event.key === "Enter" && !list.hidden) {
      choose(list.children[chosen].dataset.slug);
    } else if (event.key === "Escape") {
      close();
    }
  };
}

function showWindow(now) {
  const part = windows.get(now.id) ?? makeWindow(now.id, now.name);
  windows.set(now.id, part);
  const member = cast.find((one) => one.slug === now.card);
  $("[data-slot]", part).className = member ? "slot card" : "slot";
  $(".who", part).textContent = member ? `${member.name}　${member.number}` : "读卡器上没有证件";
  $(".what", part).textContent = member ? described(member) : "";
  $("[data-act=lift]", part).disabled = !member;
  $("[data-act=plug]", part).textContent = now.plugged ? "拔掉读卡器" : "插上读卡器";
  const fault = $("[data-act=fault]", part);
  if (document.activeElement !== fault) {
    fault.value = now.fault ?? "";
  }
  const condition = !now.plugged ? ["读卡器已拔掉", "harm"]
    : now.driver !== "running" ? ["驱动已停止", "harm"]
    : now.fault ? [FAULTS[now.fault], "old"] : ["读卡器正常", "good"];
  mark($("[data-state]", part), condition);
}

function show(now) {
  state = now;
  $("#hall").textContent = now.hall;
  now.windows.forEach(showWindow);
  mark($("#line [data-state]"), LINE[now.line]);
  document.querySelectorAll("[data-line]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.line === now.line)));
  mark($("#box [data-state]"), RUNNING[now.box.state]);
  const runs = now.box.state === "running";
  document.querySelectorAll("[data-box]").forEach((button) => (button.disabled = runs === (button.dataset.box === "start")));
  $("#broker").textContent = now.box.broker ? `进程 ${now.box.broker}` : "没有运行";
  $("[data-broker]").disabled = !now.box.broker;
  mark($("#centre [data-state]"), RUNNING[now.centre.state]);
  const centre = now.centre.state === "running";
  document.querySelectorAll("[data-centre]").forEach((button) => (button.disabled = centre === (button.dataset.centre === "start")));
  showPhones();
  showLicences();
}

/** The phones that fit what is looked for; without a word the first of the cast and those without network. */
function showPhones() {
  const words = $("#carrier").value.trim();
  const cut = state.phones.without_network;
  const found = cast.filter((member, at) => (words ? `${member.name} ${member.slug} ${member.note}`.includes(words) : at < 8 || cut.includes(member.slug)));
  const key = JSON.stringify([found.map(({ slug }) => slug), cut]);
  if ($("#carriers").dataset.key === key) {
    return;
  }
  $("#carriers").dataset.key = key;
  const rows = found.map((member) => {
    const row = document.createElement("tr");
    const phone = endpoints.phones.people.find(({ slug }) => slug === member.slug);
    const open = element("a", "手机", { href: phone.url, target: `phone-${member.slug}`, "aria-label": `打开${member.name}的手机` });
    open.onclick = (event) => {
      event.preventDefault();
      // The size of a phone in the hand.
      window.open(phone.url, `phone-${member.slug}`, "popup,width=390,height=844,noopener");
    };
    const off = cut.includes(member.slug);
    const button = element("button", off ? "联网" : "断网", { class: "small", "aria-label": `${off ? "联网" : "断网"}${member.name}` });
    button.onclick = () => act(`/api/phones/${member.slug}/network`, "POST", { on: off });
    const [link, acts] = [element("td", ""), element("td", "", { class: "end" })];
    link.append(open);
    acts.append(button);
    row.append(element("td", member.name), element("td", member.note, { class: "mute" }), element("td", member.mobile, { class: "mono" }), element("td", off ? "无网络" : "有网络"), link, acts);
    return row;
  });
  $("#carriers").replaceChildren(...(rows.length > 0 ? rows : [emptyRow("没有这样的人")]));
}

function showLicences() {
  const member = cast.find((one) => one.slug === $("#holder").value);
  const rows = (member?.licences ?? []).map((licence) => {
    const status = state.licences[licence.id] ?? "valid";
    const row = document.createElement("tr");
    const acts = element("td", "", { class: "end" });
    const next = status === "valid" ? ["注销", "revoked"] : ["恢复", "valid"];
    const button = element("button", next[0], { class: "small", "aria-label": `${next[0]}${licence.name}` });
    button.onclick = () => act("/api/centre/licences", "POST", { id: licence.id, status: next[1] });
    acts.append(button);
    row.append(element("td", licence.name), element("td", licence.of || member.name), element("td", LICENCE[status]), acts);
    return row;
  });
  const key = `${member?.slug}${JSON.stringify(state.licences)}`;
  if ($("#held").dataset.key !== key) {
    $("#held").dataset.key = key;
    $("#held").replaceChildren(...(rows.length > 0 ? rows : [emptyRow("没有电子证照")]));
  }
}

function emptyRow(text) {
  const row = document.createElement("tr");
  row.append(element("td", text, { class: "empty" }));
  return row;
}

function showSummary({ counts, outcomes, cases }) {
  const pairs = [["日志条目", counts.entries], ["办件", counts.cases], ["等待认定", counts.awaiting], ["证照", counts.licences]];
  Object.entries(outcomes).filter(([outcome]) => outcome !== "awaiting").forEach(([outcome, count]) => pairs.push([OUTCOMES[outcome] ?? outcome, count]));
  $("#counts").replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", String(value))]));
  const rows = cases.slice(0, 12).map((one) => {
    const row = document.createElement("tr");
    row.append(element("td", one.no, { class: "mono" }), element("td", one.item_name ?? ""), element("td", one.window ?? ""), element("td", OUTCOMES[one.outcome ?? "awaiting"] ?? one.outcome, { class: "end" }));
    return row;
  });
  $("#received").replaceChildren(...(rows.length > 0 ? rows : [emptyRow("还没有收到办件")]));
}

async function look() {
  try {
    show(await ask("/api/state"));
    $("#lost").hidden = true;
    if (state.centre.state === "running") {
      showSummary(await ask("/api/centre/summary"));
    }
  } catch {
    $("#lost").hidden = false;
  }
}

async function begin() {
  [cast, endpoints] = await Promise.all([ask("/api/cast"), ask("/api/endpoints")]);
  const link = (text, href) => element("a", text, { href, target: "_blank", rel: "noopener" });
  $("#links").append(link("窗口界面", `${endpoints.box.url}/`), ...endpoints.windows.map((window) => link(`评价器 ${window.id}`, window.evaluator)), link("手机", endpoints.phones.url));
  $("#holder").append(...cast.filter((member) => member.licences.length > 0).map((member) => element("option", `${member.name} · ${member.note}`, { value: member.slug })));
  $("#holder").onchange = showLicences;
  $("#carrier").oninput = showPhones;
  $("#accounts").append(
    ...endpoints.accounts.map((account) => {
      const row = document.createElement("tr");
      row.append(element("td", account.account, { class: "mono" }), element("td", account.password, { class: "mono" }), element("td", account.name), element("td", account.role_zh));
      return row;
    }),
  );
  document.addEventListener("click", ({ target }) => {
    const { line, box, centre, broker } = target.dataset ?? {};
    if (line) void act("/api/line", "POST", { state: line });
    if (box) void act("/api/box", "POST", { action: box });
    if (centre) void act("/api/centre", "POST", { action: centre });
    if (broker !== undefined) void act("/api/broker", "POST", { action: "kill" });
  });
  for (;;) {
    await look();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

begin().catch(() => ($("#lost").hidden = false));
