// The centre's citizen API, as far as this app uses it. `docs/protocol/citizen.openapi.yaml` has the words.

export type Capacity = string;
export type Time = number;
export type DocumentId = { kind: string; number: string };
export type Masked = { name: string; document: string; phone?: string };
export type CapacityView = {
  capacity: Capacity;
  as: "own" | "legal_representative" | "agent" | "delegate";
  zh: string;
  for: string;
  item_name?: string;
  until?: Time;
};
export type OrganisationRole = { uscc: string; name: string; role: "legal_representative" | "agent"; role_zh: string; until?: Time; capacity: Capacity };
export type Me = {
  name: string;
  document_kind_zh: string;
  document: string;
  phone: string;
  face_checked: boolean;
  organisations: OrganisationRole[];
  mandates: CapacityView[];
};
export type FaceSample = { salt_hex: string; person_hex: string; live?: boolean; quality?: number; mask?: boolean; service?: "ok" | "timeout" | "unavailable" };
export type Started = { session: string; expires_at: Time; face_required: boolean; phone: string; resend_after_s: number };
export type SignedIn = { token: string; expires_at: Time; me: Me };
export type Kind = { code: string; name: string; department: string; holder: "person" | "organisation" };
export type Department = { department: string; kinds: Kind[] };
export type Item = { code: string; name: string; department: string; applicants: ("person" | "organisation")[]; kinds: string[] };
export type LicenceCard = {
  licence: string;
  kind: string;
  name: string;
  department?: string;
  holder: string;
  number: string;
  issued: string;
  issuer: string;
  valid_until?: string;
  status: string;
  status_zh: string;
  expired: boolean;
};
export type Original = {
  name: string;
  number?: string;
  issuer?: string;
  issued?: string;
  valid_until?: string;
  status: string;
  status_zh: string;
  checked_at: Time;
  watermark: string;
  fields: { key: string; label: string; value: string }[];
};
export type AskedLicence = {
  material: string;
  name: string;
  required: boolean;
  fields: string[];
  whose: string;
  available: boolean;
  status?: string;
  status_zh?: string;
};
export type ChallengeState = "open" | "waiting" | "answered" | "refused" | "expired";
export type ChallengeView = {
  nonce: string;
  kind: "code" | "face" | "consent" | "principal" | "licences";
  kind_zh: string;
  sentence: string;
  hall: string;
  window: string;
  item_name?: string;
  department?: string;
  purpose?: string;
  capacity: CapacityView;
  needs_face: boolean;
  expires_at: Time;
  state: ChallengeState;
  licences: AskedLicence[];
  retention?: string;
  withdrawal?: string;
};
export type Answer = { decision: "agree" | "refuse"; refused?: string[]; materials?: string[]; face_ticket?: string; capacity?: Capacity };
export type Answered = {
  nonce: string;
  state: ChallengeState;
  assertion?: string;
  expires_at?: Time;
  consent?: string;
  use_codes?: { material: string; name: string; use_code: string }[];
  refused?: string[];
  message?: string;
  /** When the hall fetched the answer over its own line. */
  delivered_at?: Time;
};
export type Confirmation = { agent: Masked; delegation: string; challenge: ChallengeView; state: ChallengeState };
export type Grant = { id: string; account: string; name: string; document: string; from: Time; until: Time; state: string; state_zh: string };
export type Delegation = {
  id: string;
  principal: Masked;
  agent: Masked;
  item_name?: string;
  kinds: { code: string; name: string }[];
  created_at: Time;
  until: Time;
  state: "pending" | "in_force" | "revoked" | "declined" | "resigned" | "expired";
  state_zh: string;
  capacity?: Capacity;
  accept_code?: string;
};
export type CentreMessage = {
  number: number;
  at: Time;
  kind: string;
  title: string;
  text: string;
  read: boolean;
  nonce?: string;
  consent?: string;
  delegation?: string;
};
export type ConsentRow = {
  id: string;
  case_no?: string;
  item_name: string;
  hall: string;
  agreed_at: Time;
  via: "phone" | "evaluator" | "principal" | "office";
  licences: string[];
  state: "in_force" | "withdrawn" | "ended" | "legal_basis";
  state_zh: string;
};
export type ConsentRecord = {
  header: { record_id: string; pii_principal_id: string };
  pii_processing: {
    purposes: {
      purpose: string;
      lawful_basis: string;
      pii_information: { pii_type: string; fields: string[]; use_code?: string; agreed?: boolean }[];
      pii_controllers: string[];
      retention_period: string;
      withdrawal_method: string;
    }[];
  };
  events: { event_time: Time; event_state: "consent_given" | "legal_basis_noticed" | "consent_withdrawn" | "consent_ended"; place?: "window" | "phone" | "centre" }[];
  hall: { case_no?: string; item_name: string; hall: string; window?: string; via: string; mode?: "online" | "offline"; digest_hex: string; refused?: string[] };
};
export type Receipt = { id: string; genuine: boolean; state: "in_force" | "withdrawn" | "ended" | "legal_basis" | "unknown"; agreed_on?: string; withdrawn_at?: Time };

/** What stands behind a receipt that a window printed. */
export type PrintedReceipt = {
  genuine: boolean;
  arrived: boolean;
  /** Whether it tells of an authorisation or of a submitted case; absent where nobody can say. */
  about?: "consent" | "case";
  state:
    | "in_force"
    | "withdrawn"
    | "ended"
    | "legal_basis"
    | "taken_in"
    | "received"
    | "following"
    | "passed"
    | "returned"
    | "in_doubt"
    | "at_box"
    | "erased"
    | "unknown";
  message: string;
  agreed_on?: string;
  withdrawn_at?: Time;
  submitted_on?: string;
  decided_on?: string;
};

/** What the centre refused, in its own words. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly whatToDo: string,
    readonly number: string,
  ) {
    super(message);
  }
}

/** No answer: the phone has no network, or the centre is out of reach. */
export class NoNetwork extends Error {
  constructor(readonly why: "off" | "lost") {
    super(why === "off" ? "手机没有网络" : "暂时连不上省级中心");
  }
}

type Query = { [name: string]: string | number | undefined };

export class Citizen {
  /** Set after sign-in. */
  token: string | null = null;

  constructor(private readonly base: string) {}

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, String(value)]]));
    const text = new URLSearchParams(pairs).toString();
    return this.call("GET", text ? `${path}?${text}` : path, undefined, signal);
  }

  post<T>(path: string, body: object = {}, signal?: AbortSignal): Promise<T> {
    return this.call("POST", path, body, signal);
  }

  async signOut(): Promise<void> {
    await this.call("DELETE", "/sessions/current");
    this.token = null;
  }

  private async call<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
    const headers = new Headers({ accept: "application/json" });
    if (body) {
      headers.set("content-type", "application/json");
    }
    if (this.token) {
      headers.set("authorization", `Bearer ${this.token}`);
    }
    let response: Response;
    try {
      response = await fetch(this.base + path, { method, headers, cache: "no-store", body: body ? JSON.stringify(body) : null, signal: signal ?? null });
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      throw new NoNetwork("lost");
    }
    const trouble = response.headers.get("x-phone-network");
    if (trouble) {
      throw new NoNetwork(trouble === "off" ? "off" : "lost");
    }
    const answer = response.status === 204 ? null : await response.json().catch(() => undefined);
    if (!response.ok) {
      throw problem(response.status, answer);
    }
    if (answer === undefined) {
      throw new NoNetwork("lost");
    }
    return answer as T;
  }
}

function problem(status: number, answer: unknown): Problem {
  const said = (answer ?? {}) as { code?: string; message?: string; what_to_do?: string; number?: string };
  return new Problem(status, said.code ?? "unknown", said.message ?? "省级中心没有说明原因。", said.what_to_do ?? "请稍后再试，或拨打 12345。", said.number ?? String(status));
}
