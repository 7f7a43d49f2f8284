// A phone: its clock, network and inbox as the simulator has them, who is signed in, and the codes it can draw.

import { Citizen, Problem, type Capacity, type CapacityView, type Me, type Original, type SignedIn } from "./api";
import { deviceKey, signerOf } from "./keys";
import { base64url, equal, fromBase64url, type Bytes } from "./message/bytes";
import { readAttestation, serviceCode, weakCode, type Challenge } from "./message/code";
import type { ReceiptText } from "./message/scan";
import { Store, type KeptAttestation, type Session, type Settings } from "./store";

export type Carrier = { slug: string; name: string; note: string; holder: string; document: { kind: string; number: string }; mobile: string };
/** `number` is also when it came, in milliseconds since 1970. */
export type Sms = { number: number; text: string };
type PhoneState = { carrier: Carrier; network: boolean; messages: Sms[] };

const LOOK_MS = 1_000;
/** Fetched again when less than this part of its life is left. */
const REFRESH_PART = 4;

export class Phone {
  readonly citizen: Citizen;
  session: Session | null = null;
  network = true;
  inbox: Sms[] = [];
  /** What was scanned last: a window's challenge, an invitation to act for somebody, a receipt. */
  scanned: Challenge | null = null;
  invitation: string | null = null;
  receipt: ReceiptText | null = null;
  /** An original that was opened with the face, to be looked at once. */
  original: Original | null = null;
  /** What was done just now, to be said by the screen that follows, once. */
  private saying: string | null = null;
  private readonly listeners = new Set<() => void>();

  private constructor(
    readonly carrier: Carrier,
    readonly store: Store,
    public settings: Settings,
    private readonly base: string,
  ) {
    this.citizen = new Citizen(`${base}/citizen/v1`);
  }

  static async open(slug: string): Promise<Phone> {
    const base = `/${slug}`;
    const state = await look(base, 0);
    const store = await Store.open(slug);
    const phone = new Phone(state.carrier, store, await store.settings(), base);
    phone.session = (await store.session()) ?? null;
    phone.citizen.token = phone.session?.token ?? null;
    phone.take(state);
    void phone.keepLooking();
    return phone;
  }

  /** Seconds since 1970 by this phone's clock, which may have been set wrong on purpose. */
  now(): number {
    return Math.floor(Date.now() / 1000) + this.settings.skewMinutes * 60;
  }

  /** Calls back whenever network, inbox or session may have changed. */
  watch(listener: () => void, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener));
  }

  async setNetwork(on: boolean): Promise<void> {
    await fetch(`${this.base}/phone/network`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ on }) });
    this.take(await look(this.base, this.newest()));
  }

  async setSettings(settings: Settings): Promise<void> {
    this.settings = settings;
    await this.store.putSettings(settings);
    this.tell();
  }

  async publicKey(): Promise<string> {
    return base64url((await deviceKey(this.store)).publicKey);
  }

  async signedIn({ token, me }: SignedIn): Promise<void> {
    this.session = { token, me };
    this.citizen.token = token;
    await this.store.putSession(this.session);
    this.tell();
  }

  async signOut(): Promise<void> {
    await this.citizen.signOut().catch(() => undefined);
    await this.forget();
  }

  /** Looks up who one is and for whom one may act; what is kept stays good without network. */
  async refreshMe(): Promise<Me> {
    const me = await this.call(() => this.citizen.get<Me>("/me"));
    if (this.session) {
      this.session = { ...this.session, me };
      await this.store.putSession(this.session);
    }
    return me;
  }

  /** What an app does when it comes to the front: without network everything stays as it was. */
  async comeToFront(): Promise<void> {
    if (this.session) {
      await this.refreshMe();
      await this.refreshAttestations();
    }
  }

  /** Makes a call of somebody signed in; a token that is over leads to the sign-in page. */
  async call<T>(make: () => Promise<T>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        await this.forget();
      }
      throw error;
    }
  }

  say(what: string): void {
    this.saying = what;
  }

  said(): string | null {
    const { saying } = this;
    this.saying = null;
    return saying;
  }

  me(): Me {
    if (!this.session) {
      throw new Error("nobody is signed in");
    }
    return this.session.me;
  }

  /** Every capacity that a code can be shown in: oneself, organisations, principals. */
  capacities(): CapacityView[] {
    const me = this.me();
    const own: CapacityView = { capacity: "own", as: "own", zh: "本人", for: me.name };
    const organisations = me.organisations.map(({ capacity, role, role_zh, name, until }): CapacityView => ({ capacity, as: role, zh: role_zh, for: name, ...(until ? { until } : {}) }));
    return [own, ...organisations, ...me.mandates];
  }

  /** The attestation kept for a capacity, if it is good by this phone's clock and for this phone's key. */
  async attestation(capacity: Capacity): Promise<KeptAttestation | null> {
    const kept = await this.store.attestation(capacity);
    if (!kept) {
      return null;
    }
    const { key, expires } = readAttestation(fromBase64url(kept.attestation));
    return equal(key, (await deviceKey(this.store)).publicKey) && expires > this.now() ? kept : null;
  }

  /** Fetches a fresh attestation. */
  async fetchAttestation(capacity: Capacity): Promise<KeptAttestation> {
    type Answer = { attestation: string; issued_at: number; expires_at: number; capacity: CapacityView };
    const answer = await this.call(() => this.citizen.post<Answer>("/codes", { capacity }));
    const kept = { attestation: answer.attestation, issuedAt: answer.issued_at, expiresAt: answer.expires_at, view: answer.capacity };
    await this.store.putAttestation(capacity, kept);
    return kept;
  }

  /** Fetches anew what was opened before and is growing old. Without network what is kept goes on. */
  async refreshAttestations(): Promise<void> {
    for (const { capacity } of this.capacities()) {
      const kept = await this.store.attestation(capacity);
      if (kept && (kept.expiresAt - this.now()) * REFRESH_PART < kept.expiresAt - kept.issuedAt) {
        await this.fetchAttestation(capacity);
      }
    }
  }

  /** 办事码, weak form: good for a moment, without network. */
  async drawWeak(kept: KeptAttestation): Promise<Bytes> {
    return weakCode(readAttestation(fromBase64url(kept.attestation)), this.now(), signerOf(await deviceKey(this.store)));
  }

  /** 办事码, as the answer to a window's challenge. */
  async drawAnswer(kept: KeptAttestation, nonce: Uint8Array): Promise<Bytes> {
    return serviceCode(readAttestation(fromBase64url(kept.attestation)), this.now(), nonce, signerOf(await deviceKey(this.store)));
  }

  private async forget(): Promise<void> {
    this.session = null;
    this.citizen.token = null;
    await this.store.forgetPerson();
    this.tell();
  }

  private newest(): number {
    return this.inbox.at(-1)?.number ?? 0;
  }

  private async keepLooking(): Promise<never> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      await look(this.base, this.newest()).then((state) => this.take(state), () => undefined);
    }
  }

  private take({ network, messages }: PhoneState): void {
    const changed = network !== this.network || messages.length > 0;
    this.network = network;
    // Two looks at once may bring the same message.
    this.inbox.push(...messages.filter(({ number }) => number > this.newest()));
    if (changed) {
      this.tell();
    }
  }

  private tell(): void {
    this.listeners.forEach((listener) => listener());
  }
}

async function look(base: string, after: number): Promise<PhoneState> {
  const response = await fetch(`${base}/phone?after=${after}`, { cache: "no-store" });
  if (!response.ok) {
    throw new Error("the simulator does not know this phone");
  }
  return (await response.json()) as PhoneState;
}
