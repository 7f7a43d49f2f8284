// What comes down from the box, read once into types that cannot be wrong. Readers return null for what is not that message;
// unknown fields are ignored.

import type { Json } from "./jcs";
import { isDrawable } from "./qr";
import { isUlid } from "./ulid";

export type LicenceRow = { row: string; name: string; holder: string; fields: string[]; required: boolean; note?: string };
export type AuthorizeData = {
  case_no: string;
  item: string;
  department: string;
  hall: string;
  window: string;
  applicant: string;
  on_behalf_of: string | null;
  purpose: string;
  offline_notice: string | null;
  valid_until_text: string;
  licences: LicenceRow[];
  min_view_ms: number;
  confirm_label: string;
};
/** What the phone is asked for. */
export type PhoneAsk = "code" | "face" | "consent" | "principal" | "licences";
export type ChallengeData = {
  kind: PhoneAsk;
  title: string;
  text: string[];
  case_no: string;
  item: string;
  department: string;
  hall: string;
  window: string;
  purpose: string;
  offline_notice: string | null;
  qr: string;
  fallback: string;
};
export type NoticeData = {
  title: string;
  text: string[];
  case_no: string;
  hall: string;
  window: string;
  rows: { label: string; value: string }[];
  offline_notice: string | null;
  min_view_ms: number;
  confirm_label: string;
  refuse_label: string | null;
};
export type RatingLevel = { level: number; label: string; reasons: string[] };
export type RatingData = { service: string; case_no: string; levels: RatingLevel[]; reason_required_below: number };
export type MessageData = { level: "info" | "done" | "warning"; title: string; text: string };
export type IdleData = { hall: string; window: string; notice: string | null };
export type PausedData = { notice: string };

export type Page =
  | { page: "idle"; data: IdleData }
  | { page: "authorize"; data: AuthorizeData }
  | { page: "challenge"; data: ChallengeData }
  | { page: "notice"; data: NoticeData }
  | { page: "message"; data: MessageData }
  | { page: "rating"; data: RatingData }
  | { page: "paused"; data: PausedData };
export const PAGES: readonly Page["page"][] = ["idle", "authorize", "challenge", "notice", "message", "rating", "paused"];
const PHONE_ASKS: readonly PhoneAsk[] = ["code", "face", "consent", "principal", "licences"];

export type ShowHead = { id: string; gen: number; bindEpoch: number; ttlMs: number; digest: string; page: string; data: Json };
export type Show = Omit<ShowHead, "page" | "data"> & Page;
export type Config = {
  ver: number;
  hall: string;
  window: { code: string; name: string } | null;
  bindEpoch: number;
  hbS: number;
  notice: string | null;
};
export type ReceiptResult = "accepted" | "duplicate" | "stale" | "rejected";
export type Receipt = { answer: string; cmd: string; result: ReceiptResult };
export type HallState = { online: boolean; boot: string };
export type Control = { id: string } & (
  | { kind: "extend"; cmd: string; ttlMs: number; left: number }
  | { kind: "identify" | "reload" | "rebirth" | "unpair" }
);

type Fields = { readonly [key: string]: unknown };

/** The envelope of a show. Its page is read by `readPage` only after the digest over the raw data has been checked. */
export function readShow(value: unknown): ShowHead | null {
  const v = fields(value);
  if (!v) {
    return null;
  }
  const { id, gen, bind_epoch: bindEpoch, ttl_ms: ttlMs, digest, page, data } = v;
  if (!isUlid(id) || !count(gen) || !count(bindEpoch) || !count(ttlMs)) {
    return null;
  }
  return typeof digest === "string" && typeof page === "string" && fields(data)
    ? { id, gen, bindEpoch, ttlMs, digest, page, data: data as Json }
    : null;
}

/** The page of a show, or why it cannot be shown. */
export function readPage(head: ShowHead): Show | "unsupported" | "malformed" {
  const { page: name, data, ...rest } = head;
  if (!(PAGES as readonly string[]).includes(name)) {
    return "unsupported";
  }
  const page = pageOf(name as Page["page"], data as unknown as Fields);
  return page ? { ...rest, ...page } : "malformed";
}

function pageOf(name: Page["page"], v: Fields): Page | null {
  switch (name) {
    case "idle":
      return texts(v, "hall", "window")
        ? { page: name, data: { hall: str(v["hall"]), window: str(v["window"]), notice: optional(v["notice"]) } }
        : null;
    case "paused":
      return texts(v, "notice") ? { page: name, data: { notice: str(v["notice"]) } } : null;
    case "message": {
      const level = v["level"];
      return texts(v, "title", "text") && (level === "info" || level === "done" || level === "warning")
        ? { page: name, data: { level, title: str(v["title"]), text: str(v["text"]) } }
        : null;
    }
    case "rating":
      return rating(v);
    case "authorize":
      return authorize(v);
    case "challenge":
      return challenge(v);
    case "notice":
      return notice(v);
  }
}

function rating(v: Fields): Page | null {
  const levels = list(v["levels"], (entry): RatingLevel | null => {
    const reasons = list(entry["reasons"] ?? [], null);
    return count(entry["level"]) && texts(entry, "label") && reasons
      ? { level: entry["level"], label: str(entry["label"]), reasons }
      : null;
  });
  if (!levels || levels.length === 0 || !texts(v, "service", "case_no") || !count(v["reason_required_below"])) {
    return null;
  }
  const data = { service: str(v["service"]), case_no: str(v["case_no"]), levels, reason_required_below: v["reason_required_below"] };
  return { page: "rating", data };
}

function authorize(v: Fields): Page | null {
  const licences = list(v["licences"], (entry): LicenceRow | null => {
    const labels = list(entry["fields"], null);
    return labels && texts(entry, "row", "name", "holder") && typeof entry["required"] === "boolean"
      ? { row: str(entry["row"]), name: str(entry["name"]), holder: str(entry["holder"]), fields: labels, required: entry["required"], ...noted(entry["note"]) }
      : null;
  });
  const names = ["case_no", "item", "department", "hall", "window", "applicant", "purpose", "valid_until_text", "confirm_label"] as const;
  if (!licences || !texts(v, ...names) || !count(v["min_view_ms"])) {
    return null;
  }
  const data = {
    ...plain(v, names),
    licences,
    on_behalf_of: optional(v["on_behalf_of"]),
    offline_notice: optional(v["offline_notice"]),
    min_view_ms: v["min_view_ms"],
  };
  return { page: "authorize", data };
}

/** What the citizen has to know of a licence, where there is something. */
function noted(note: unknown): { note?: string } {
  const text = optional(note);
  return text === null ? {} : { note: text };
}

function challenge(v: Fields): Page | null {
  const text = list(v["text"], null);
  const kind = PHONE_ASKS.find((ask) => ask === v["kind"]);
  const names = ["title", "case_no", "item", "department", "hall", "window", "purpose", "qr", "fallback"] as const;
  if (!text || !kind || !texts(v, ...names) || !isDrawable(str(v["qr"]))) {
    return null;
  }
  return { page: "challenge", data: { ...plain(v, names), kind, text, offline_notice: optional(v["offline_notice"]) } };
}

function notice(v: Fields): Page | null {
  const text = list(v["text"], null);
  const rows = list(v["rows"], (entry) => (texts(entry, "label", "value") ? { label: str(entry["label"]), value: str(entry["value"]) } : null));
  const names = ["title", "case_no", "hall", "window", "confirm_label"] as const;
  if (!text || !rows || !texts(v, ...names) || !count(v["min_view_ms"])) {
    return null;
  }
  const optionals = { offline_notice: optional(v["offline_notice"]), refuse_label: optional(v["refuse_label"]) };
  return { page: "notice", data: { ...plain(v, names), ...optionals, text, rows, min_view_ms: v["min_view_ms"] } };
}

export function readConfig(value: unknown): Config | null {
  const v = fields(value);
  if (!v || !count(v["ver"]) || !count(v["bind_epoch"]) || !count(v["hb_s"]) || !texts(v, "hall")) {
    return null;
  }
  const place = fields(v["window"]);
  if (place && !texts(place, "code", "name")) {
    return null;
  }
  return {
    ver: v["ver"],
    hall: str(v["hall"]),
    window: place ? { code: str(place["code"]), name: str(place["name"]) } : null,
    bindEpoch: v["bind_epoch"],
    hbS: Math.min(300, Math.max(1, v["hb_s"])),
    notice: optional(v["notice"]),
  };
}

export function readReceipt(value: unknown): Receipt | null {
  const v = fields(value);
  const result = v?.["result"];
  if (!v || !isUlid(v["answer"]) || !isUlid(v["cmd"])) {
    return null;
  }
  if (result !== "accepted" && result !== "duplicate" && result !== "stale" && result !== "rejected") {
    return null;
  }
  return { answer: v["answer"], cmd: v["cmd"], result };
}

export function readHallState(value: unknown): HallState | null {
  const v = fields(value);
  return v && typeof v["online"] === "boolean" && isUlid(v["boot"]) ? { online: v["online"], boot: v["boot"] } : null;
}

export function readControl(value: unknown): Control | null {
  const v = fields(value);
  if (!v || !isUlid(v["id"])) {
    return null;
  }
  const kind = v["kind"];
  if (kind === "extend") {
    return isUlid(v["cmd"]) && count(v["ttl_ms"]) && count(v["left"])
      ? { id: v["id"], kind, cmd: v["cmd"], ttlMs: v["ttl_ms"], left: v["left"] }
      : null;
  }
  return kind === "identify" || kind === "reload" || kind === "rebirth" || kind === "unpair" ? { id: v["id"], kind } : null;
}

function fields(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function count(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function texts(v: Fields, ...names: string[]): boolean {
  return names.every((name) => typeof v[name] === "string");
}

function plain<N extends string>(v: Fields, names: readonly N[]): Record<N, string> {
  return Object.fromEntries(names.map((name) => [name, str(v[name])])) as Record<N, string>;
}

function str(value: unknown): string {
  return value as string;
}

function optional(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function list(value: unknown, read: null): string[] | null;
function list<T>(value: unknown, read: (entry: Fields) => T | null): T[] | null;
function list<T>(value: unknown, read: ((entry: Fields) => T | null) | null): (T | string)[] | null {
  if (!Array.isArray(value)) {
    return null;
  }
  const out: (T | string)[] = [];
  for (const entry of value as unknown[]) {
    if (!read) {
      if (typeof entry !== "string") {
        return null;
      }
      out.push(entry);
      continue;
    }
    const object = fields(entry);
    const item = object && read(object);
    if (item === null) {
      return null;
    }
    out.push(item);
  }
  return out;
}
