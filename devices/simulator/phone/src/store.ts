// What a phone keeps, in IndexedDB: its key, which cannot be taken out, who is signed in, and the attestations that make
// codes without network. One database for each phone of the cast.

import type { Capacity, CapacityView, Me, Time } from "./api";

export type DeviceKey = { privateKey: CryptoKey; publicKey: Uint8Array };
export type Session = { token: string; me: Me };
export type KeptAttestation = { attestation: string; issuedAt: Time; expiresAt: Time; view: CapacityView };
export type Settings = { largeType: boolean; skewMinutes: number };

export class Store {
  private constructor(private readonly db: IDBDatabase) {}

  static async open(slug: string): Promise<Store> {
    const request = indexedDB.open(`hall-phone-${slug}`, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("kept");
    return new Store(await done(request));
  }

  key = (): Promise<DeviceKey | undefined> => this.get("key");
  putKey = (key: DeviceKey): Promise<void> => this.put("key", key);

  session = (): Promise<Session | undefined> => this.get("session");
  putSession = (session: Session): Promise<void> => this.put("session", session);

  attestation = (capacity: Capacity): Promise<KeptAttestation | undefined> => this.get(`attestation ${capacity}`);
  putAttestation = (capacity: Capacity, kept: KeptAttestation): Promise<void> => this.put(`attestation ${capacity}`, kept);

  settings = async (): Promise<Settings> => (await this.get<Settings>("settings")) ?? { largeType: false, skewMinutes: 0 };
  putSettings = (settings: Settings): Promise<void> => this.put("settings", settings);

  readSms = async (): Promise<number> => (await this.get<number>("read-sms")) ?? 0;
  putReadSms = (number: number): Promise<void> => this.put("read-sms", number);

  /** Signs out: everything of the person goes. Key and settings belong to the phone. */
  async forgetPerson(): Promise<void> {
    const transaction = this.writing();
    const kept = transaction.objectStore("kept");
    const names = kept.getAllKeys();
    names.onsuccess = () => names.result.filter((name) => name === "session" || String(name).startsWith("attestation ")).forEach((name) => kept.delete(name));
    await finished(transaction);
  }

  private get<T>(name: string): Promise<T | undefined> {
    return done(this.db.transaction("kept").objectStore("kept").get(name) as IDBRequest<T | undefined>);
  }

  private async put(name: string, value: unknown): Promise<void> {
    const transaction = this.writing();
    transaction.objectStore("kept").put(value, name);
    await finished(transaction);
  }

  private writing(): IDBTransaction {
    return this.db.transaction("kept", "readwrite", { durability: "strict" });
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("store failed"));
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error ?? new Error("store failed"));
    transaction.onabort = transaction.onerror;
  });
}
