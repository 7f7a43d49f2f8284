// What the evaluator does, decided purely: (state, event, now) gives the next state and what to carry out. No DOM, no network, no
// store, no clock in here.

import type { Now } from "./clock";
import type { Config, Control, HallState, IdleData, LicenceRow, Receipt, Show } from "./messages";

export type Outcome =
  | { outcome: "confirmed"; detail: { refused_rows: string[] } }
  | { outcome: "refused" | "timeout" | "dismissed"; detail: Record<string, never> }
  | { outcome: "rated"; detail: { level: number; reasons: string[]; comment: string } };

export type Link = "connecting" | "up" | "down" | "refused";
export type Preferences = { language: "zh" | "en"; large: boolean; contrast: boolean };

type IdleShow = Extract<Show, { page: "idle" }>;

/** A page that waits for the citizen. */
export type Ask = {
  kind: "ask";
  show: Show;
  since: Now;
  deadline: number;
  seenAll: boolean;
  touches: number;
  refused: string[];
  grade: { level: number | null; reasons: string[]; comment: string };
  more: "possible" | "over";
  askedAt: number | null;
};
/** Decided, signed, on its way: until a receipt comes nothing is called recorded. */
export type Sending = { kind: "sending"; show: Show; outcome: Outcome; answer: string | null; since: number };
export type Result = {
  kind: "result";
  what: "authorised" | "refused" | "noted" | "rated" | "closed" | "expired" | "over" | "not-recorded" | "unknown";
  agreed: LicenceRow[];
  declined: LicenceRow[];
  caseNo: string;
  cmd: string;
  /** Whether it was a notice, which authorises nothing. */
  notice: boolean;
  /** The citizen has time to read until then; an idle page waits. */
  until: number;
};
export type PageState =
  | { kind: "idle"; data: IdleData | null }
  | { kind: "paused"; notice: string }
  | Ask
  | Sending
  | Result;

export type State = {
  link: Link;
  lostAt: number | null;
  hall: HallState | null;
  config: Config | null;
  gen: number;
  cmd: string | null;
  page: PageState;
  /** An idle page that waits until the citizen has read what is on the glass. */
  idleNext: IdleShow | null;
  preferences: Preferences;
  /** What the citizen of this case chose, for the next page of the same case. */
  chosen: { caseNo: string; preferences: Preferences } | null;
  identifyUntil: number;
  carriedOut: string[];
  answered: string[];
};

/** What survives a reload. Nothing personal. */
export type Remembered = { gen: number; cmd: string | null; answered: string[]; config: Config | null };

export type Event =
  | { type: "link"; link: Link }
  | { type: "hall"; hall: HallState }
  | { type: "config"; config: Config }
  | { type: "show"; show: Show; waiting: Outcome | null }
  | { type: "painted"; cmd: string }
  | { type: "receipt"; receipt: Receipt; outcome: Outcome | null }
  | { type: "control"; control: Control }
  | { type: "kept"; cmd: string; answer: string }
  | { type: "tick" }
  | { type: "touch" }
  | { type: "seen-all" }
  | { type: "switch-row"; row: string }
  | { type: "agree" }
  | { type: "decline" }
  | { type: "more-time" }
  | { type: "grade"; level: number }
  | { type: "reason"; reason: string }
  | { type: "comment"; comment: string }
  | { type: "send-rating" }
  | { type: "close" }
  | { type: "preference"; change: Partial<Preferences> };

export type Effect =
  | { do: "ack"; cmd: string; gen: number; status: "received" | "extend" }
  | { do: "ack"; cmd: string; gen: number; status: "shown"; digest: string }
  | { do: "ack"; cmd: string; gen: number; status: "rejected"; reason: "generation" | "bind-epoch" }
  | { do: "answer"; show: Show; outcome: Outcome; shownMs: number; touches: number }
  | { do: "resend" | "birth" | "remember" | "reload" | "unpair" };

export type Step = { state: State; effects: Effect[] };

/** How long a page stays that nobody has to answer, in milliseconds, whatever the box says of idling. */
export const STAY = { result: 12_000, unknown: 60_000, message: 4_000, identify: 15_000, unheard: 20_000, askAgain: 5_000 } as const;
/** What is said of a page whose time is over while somebody stands before it. */
const EXPIRED: { readonly [page in Show["page"]]?: Result["what"] } = { authorize: "expired", challenge: "over", notice: "over" };
const PLAIN: Preferences = { language: "zh", large: false, contrast: false };
const KEPT_IDS = 64;

export function start(remembered: Remembered): State {
  return {
    link: "connecting",
    lostAt: 0,
    hall: null,
    page: { kind: "idle", data: null },
    idleNext: null,
    preferences: PLAIN,
    chosen: null,
    identifyUntil: 0,
    carriedOut: [],
    ...remembered,
  };
}

export function step(state: State, event: Event, now: Now): Step {
  switch (event.type) {
    case "link":
      return linked(state, event.link, now);
    case "hall":
      return hallSpoke(state, event.hall);
    case "config":
      return configured(state, event.config);
    case "show":
      return shown(state, event.show, event.waiting, now);
    case "receipt":
      return receipted(state, event.receipt, event.outcome, now);
    case "control":
      return controlled(state, event.control, now);
    case "kept":
      return kept(state, event.cmd, event.answer);
    case "tick":
      return ticked(state, now);
    case "preference":
      return preferred(state, { ...state.preferences, ...event.change });
    case "painted":
      return state.page.kind === "ask" && state.page.show.id === event.cmd
        ? also(state, ackShown(state.page.show))
        : only(state);
    default:
      return state.page.kind === "ask" ? touched(state, state.page, event, now) : closing(state, event);
  }
}

// ---- the box speaks ------------------------------------------------------------------------------------------------

function linked(state: State, link: Link, now: Now): Step {
  const lostAt = link === "up" ? null : (state.lostAt ?? now.passed);
  return only({ ...state, link, lostAt });
}

function hallSpoke(state: State, hall: HallState): Step {
  const known = state.hall;
  if (!hall.online) {
    // The will of an earlier start says nothing about the present one.
    return only(known && known.boot !== hall.boot ? state : { ...state, hall });
  }
  const next = { ...state, hall };
  return known && known.boot !== hall.boot ? also(next, { do: "birth" }) : only(next);
}

function configured(state: State, config: Config): Step {
  if (state.config && config.ver < state.config.ver) {
    return only(state);
  }
  // A page of an earlier binding belongs to somebody at another window.
  const moved = state.config !== null && state.config.bindEpoch !== config.bindEpoch;
  const gone = moved || config.window === null;
  const next = gone ? toIdle({ ...state, config }) : { ...state, config };
  return also(next, { do: "remember" });
}

function shown(state: State, show: Show, waiting: Outcome | null, now: Now): Step {
  const reject = (reason: "generation" | "bind-epoch"): Step =>
    also(state, { do: "ack", cmd: show.id, gen: show.gen, status: "rejected", reason });
  if (state.config && show.bindEpoch < state.config.bindEpoch) {
    return reject("bind-epoch");
  }
  const again = show.id === state.cmd;
  if (!again && show.gen <= state.gen) {
    return reject("generation");
  }
  const received: Effect = { do: "ack", cmd: show.id, gen: show.gen, status: "received" };
  if (again && isOnGlass(state.page, show.id)) {
    // A repeated command: acknowledged again, timers untouched.
    return state.page.kind === "ask" ? also(state, ackShown(show)) : also(state, received, { do: "resend" });
  }
  if (state.answered.includes(show.id)) {
    if (!waiting) {
      return also(state, received);
    }
    const page: Sending = { kind: "sending", show, outcome: waiting, answer: null, since: now.passed };
    return also({ ...state, page }, received, { do: "resend" });
  }
  const taken = { ...state, gen: show.gen, cmd: show.id, idleNext: null };
  if (show.page === "idle") {
    return now.passed < readUntil(state.page)
      ? also({ ...taken, idleNext: show }, { do: "remember" }, received)
      : also(toIdle(taken, show.data), { do: "remember" }, received, ackShown(show));
  }
  if (show.page === "paused") {
    const page: PageState = { kind: "paused", notice: show.data.notice };
    return also({ ...taken, page, preferences: PLAIN }, { do: "remember" }, received, ackShown(show));
  }
  const preferences = state.chosen && state.chosen.caseNo === caseOf(show) ? state.chosen.preferences : state.preferences;
  return also({ ...taken, page: asking(show, now), preferences }, { do: "remember" }, received);
}

function asking(show: Show, now: Now): Ask {
  return {
    kind: "ask",
    show,
    since: now,
    deadline: now.passed + show.ttlMs,
    seenAll: !isDecision(show),
    touches: 0,
    refused: [],
    grade: { level: null, reasons: [], comment: "" },
    // A code for the phone ends when the box said it would: after that no phone takes it.
    more: show.page === "message" || show.page === "challenge" ? "over" : "possible",
    askedAt: null,
  };
}

/** Whether a page asks for a word of the citizen that has to be read to the end first. */
function isDecision(show: Show): show is Extract<Show, { page: "authorize" | "notice" }> {
  return show.page === "authorize" || show.page === "notice";
}

/** Until when an idle page has to wait. A question that the box takes back goes at once; what tells the citizen something stays. */
function readUntil(page: PageState): number {
  switch (page.kind) {
    case "sending":
      // The receipt says what came of it, or nothing comes and that is said.
      return page.since + STAY.unheard;
    case "result":
      return page.until;
    case "ask":
      return page.show.page === "message" ? Math.min(page.deadline, page.since.passed + STAY.message) : 0;
    default:
      return 0;
  }
}

function isOnGlass(page: PageState, cmd: string): boolean {
  return (page.kind === "ask" || page.kind === "sending") && page.show.id === cmd;
}

function ackShown(show: Show): Effect {
  return { do: "ack", cmd: show.id, gen: show.gen, status: "shown", digest: show.digest };
}

function receipted(state: State, receipt: Receipt, outcome: Outcome | null, now: Now): Step {
  const page = state.page;
  if (page.kind === "result" && page.what === "unknown" && page.cmd === receipt.cmd && outcome) {
    // Late, but it came: say what is true now, as far as it is still known.
    return only({ ...state, page: { ...page, what: recorded(receipt, outcome, page.notice), until: now.passed + STAY.result } });
  }
  if (page.kind !== "sending" || page.show.id !== receipt.cmd || (page.answer ?? receipt.answer) !== receipt.answer) {
    return only(state);
  }
  const what = recorded(receipt, page.outcome, page.show.page === "notice");
  if (what === "closed") {
    return only(toIdle(state));
  }
  return only({ ...state, page: resultOf(page, what, now) });
}

function recorded(receipt: Receipt, outcome: Outcome, notice: boolean): Result["what"] {
  if (receipt.result === "stale" || receipt.result === "rejected") {
    return outcome.outcome === "timeout" || outcome.outcome === "dismissed" ? "closed" : "not-recorded";
  }
  switch (outcome.outcome) {
    case "confirmed":
      return notice ? "noted" : "authorised";
    case "refused":
      return "refused";
    case "rated":
      return "rated";
    case "timeout":
    case "dismissed":
      return "closed";
  }
}

function resultOf(page: Sending | Ask, what: Result["what"], now: Now): Result {
  const rows = page.show.page === "authorize" && (what === "authorised" || what === "refused") ? page.show.data.licences : [];
  const refused = page.kind === "sending" && page.outcome.outcome === "confirmed" ? page.outcome.detail.refused_rows : null;
  const agreed = what === "authorised" ? rows.filter((row) => !refused?.includes(row.row)) : [];
  return {
    kind: "result",
    what,
    agreed,
    declined: rows.filter((row) => !agreed.includes(row)),
    caseNo: caseOf(page.show) ?? "",
    cmd: page.show.id,
    notice: page.show.page === "notice",
    until: now.passed + (what === "unknown" ? STAY.unknown : STAY.result),
  };
}

function controlled(state: State, control: Control, now: Now): Step {
  if (state.carriedOut.includes(control.id)) {
    return only(state);
  }
  const next = { ...state, carriedOut: [...state.carriedOut, control.id].slice(-KEPT_IDS) };
  switch (control.kind) {
    case "identify":
      return only({ ...next, identifyUntil: now.passed + STAY.identify });
    case "rebirth":
      return also(next, { do: "birth" });
    case "reload":
      return also(next, { do: "reload" });
    case "unpair":
      return also(toIdle(next), { do: "unpair" });
    case "extend": {
      const page = next.page;
      if (page.kind !== "ask" || page.show.id !== control.cmd) {
        return only(next);
      }
      const more = control.left > 0 ? "possible" : "over";
      return only({ ...next, page: { ...page, deadline: now.passed + control.ttlMs, more, askedAt: null } });
    }
  }
}

// ---- time passes ---------------------------------------------------------------------------------------------------

function ticked(state: State, now: Now): Step {
  const page = state.page;
  if (page.kind === "ask" && now.passed >= page.deadline) {
    const outcome: Outcome = { outcome: "timeout", detail: {} };
    const effect: Effect = { do: "answer", show: page.show, outcome, shownMs: shownFor(page, now), touches: page.touches };
    const next = decided(state, page.show.id);
    const told = EXPIRED[page.show.page];
    const after = told ? { ...next, page: resultOf(page, told, now) } : toIdle(next);
    return also(after, { do: "remember" }, effect);
  }
  if (page.kind === "ask" && page.askedAt !== null && now.passed >= page.askedAt + STAY.askAgain) {
    return only({ ...state, page: { ...page, askedAt: null } });
  }
  if (page.kind === "sending" && now.passed >= page.since + STAY.unheard) {
    return only({ ...state, page: resultOf(page, "unknown", now) });
  }
  if (state.idleNext && now.passed >= readUntil(page)) {
    return also(toIdle(state), ackShown(state.idleNext));
  }
  if (page.kind === "result" && now.passed >= page.until) {
    return only(toIdle(state));
  }
  return only(state);
}

// ---- the citizen touches -------------------------------------------------------------------------------------------

function touched(state: State, page: Ask, event: Event, now: Now): Step {
  const put = (change: Partial<Ask>): Step => only({ ...state, page: { ...page, ...change } });
  const { show, grade } = page;
  switch (event.type) {
    case "touch":
      return put({ touches: page.touches + 1 });
    case "seen-all":
      return put({ seenAll: true });
    case "switch-row": {
      if (show.page !== "authorize" || !show.data.licences.some((row) => row.row === event.row)) {
        return only(state);
      }
      const off = page.refused.includes(event.row);
      return put({ refused: off ? page.refused.filter((row) => row !== event.row) : [...page.refused, event.row] });
    }
    case "agree":
      return isDecision(show) && mayAgree(page, now) === "yes"
        ? decide(state, page, { outcome: "confirmed", detail: { refused_rows: [...page.refused].sort() } }, now)
        : only(state);
    case "decline":
      return show.page === "authorize" || (show.page === "notice" && show.data.refuse_label !== null)
        ? decide(state, page, { outcome: "refused", detail: {} }, now)
        : only(state);
    case "more-time":
      return mayAskForMore(page)
        ? also({ ...state, page: { ...page, askedAt: now.passed } }, { do: "ack", cmd: show.id, gen: show.gen, status: "extend" })
        : only(state);
    case "grade":
      return show.page === "rating" && show.data.levels.some((level) => level.level === event.level)
        ? put({ grade: { ...grade, level: event.level, reasons: event.level === grade.level ? grade.reasons : [] } })
        : only(state);
    case "reason": {
      const on = grade.reasons.includes(event.reason);
      return put({
        grade: { ...grade, reasons: on ? grade.reasons.filter((reason) => reason !== event.reason) : [...grade.reasons, event.reason] },
      });
    }
    case "comment":
      return put({ grade: { ...grade, comment: event.comment.slice(0, 200) } });
    case "send-rating":
      return ratingReady(page) && grade.level !== null
        ? decide(state, page, { outcome: "rated", detail: { level: grade.level, reasons: grade.reasons, comment: grade.comment.trim() } }, now)
        : only(state);
    case "close":
      return isDecision(show) ? only(state) : decide(state, page, { outcome: "dismissed", detail: {} }, now);
    default:
      return only(state);
  }
}

function closing(state: State, event: Event): Step {
  return event.type === "close" && state.page.kind === "result" ? only(toIdle(state)) : only(state);
}

/** Whether 同意授权 or 已知晓 can be pressed, and if not, why. */
export function mayAgree(page: Ask, now: Now): "yes" | "look" | "scroll" | "nothing" {
  if (!isDecision(page.show)) {
    return "nothing";
  }
  const least = page.show.data.min_view_ms;
  const licences = page.show.page === "authorize" ? page.show.data.licences : [];
  if (licences.length > 0 && page.refused.length === licences.length) {
    return "nothing";
  }
  if (!page.seenAll) {
    return "scroll";
  }
  return now.ran - page.since.ran >= least ? "yes" : "look";
}

/** Whether 延长时间 can be pressed: the box allows more, and is not just being asked. */
export function mayAskForMore(page: Ask): boolean {
  return page.more === "possible" && page.askedAt === null;
}

/** Whether the rating can be sent: a poor grade wants a reason, chosen or written. */
export function ratingReady(page: Ask): boolean {
  const { level, reasons, comment } = page.grade;
  return page.show.page === "rating" && level !== null
    && (level >= page.show.data.reason_required_below || reasons.length > 0 || comment.trim() !== "");
}

function decide(state: State, page: Ask, outcome: Outcome, now: Now): Step {
  const effect: Effect = { do: "answer", show: page.show, outcome, shownMs: shownFor(page, now), touches: page.touches };
  const sending: Sending = { kind: "sending", show: page.show, outcome, answer: null, since: now.passed };
  const next = decided(state, page.show.id);
  const after = outcome.outcome === "dismissed" ? toIdle(next) : { ...next, page: sending };
  return also(after, { do: "remember" }, effect);
}

function preferred(state: State, preferences: Preferences): Step {
  const caseNo = state.page.kind === "ask" ? caseOf(state.page.show) : null;
  return only({ ...state, preferences, chosen: caseNo === null ? state.chosen : { caseNo, preferences } });
}

function caseOf(show: Show): string | null {
  return isDecision(show) || show.page === "challenge" || show.page === "rating" ? show.data.case_no : null;
}

function decided(state: State, cmd: string): State {
  return { ...state, answered: [...state.answered, cmd].slice(-KEPT_IDS) };
}

function kept(state: State, cmd: string, answer: string): Step {
  const page = state.page;
  return only(page.kind === "sending" && page.show.id === cmd ? { ...state, page: { ...page, answer } } : state);
}

function shownFor(page: Ask, now: Now): number {
  return Math.max(0, Math.floor(now.ran - page.since.ran));
}

// ---- small things --------------------------------------------------------------------------------------------------

/** Nothing of anyone on the glass, and the next citizen finds it plain. */
function toIdle(state: State, data: IdleData | null = state.idleNext?.data ?? null): State {
  return { ...state, page: { kind: "idle", data }, idleNext: null, preferences: PLAIN };
}

function only(state: State): Step {
  return { state, effects: [] };
}

function also(state: State, ...effects: Effect[]): Step {
  return { state, effects };
}
