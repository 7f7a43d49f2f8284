// What the device keeps, in IndexedDB: its key (which cannot be taken out), its name and secret, counters, and answers that wait for
// a receipt. Waiting answers are encrypted with a key that cannot be taken out either. Nothing else personal is ever stored.

import type { Algorithm, PublicKey } from "./jws";
import type { Remembered } from "./machine";

export type DeviceKeys = { alg: Algorithm; publicKey: PublicKey; privateKey: CryptoKey };
export type Identity = { device: string; keyGen: number; secret: string };
export type WaitingAnswer = { id: string; cmd: string; counter: number; at: number; body: string };
type SealedAnswer = Omit<WaitingAnswer, "body"> & { iv: Uint8Array<ArrayBuffer>; sealed: ArrayBuffer };

const MOST_WAITING = 20;
const LONGEST_WAIT_MS = 24 * 3_600_000;

export class Store {
  private constructor(
    private readonly db: IDBDatabase,
    private readonly sealKey: CryptoKey,
  ) {}

  static async open(slot: string): Promise<Store> {
    const request = indexedDB.open(`hall-evaluator${slot ? `-${slot}` : ""}`, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("kept");
      request.result.createObjectStore("waiting", { keyPath: "id" });
    };
    const db = await done(request);
    const kept = (name: string): Promise<unknown> => done(db.transaction("kept").objectStore("kept").get(name));
    let sealKey = (await kept("seal-key")) as CryptoKey | undefined;
    if (!sealKey) {
      sealKey = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      await done(db.transaction("kept", "readwrite").objectStore("kept").put(sealKey, "seal-key"));
    }
    return new Store(db, sealKey);
  }

  keys(): Promise<DeviceKeys | undefined> {
    return this.get("keys") as Promise<DeviceKeys | undefined>;
  }

  identity(): Promise<Identity | undefined> {
    return this.get("identity") as Promise<Identity | undefined>;
  }

  async remembered(): Promise<Remembered> {
    const kept = (await this.get("remembered")) as Remembered | undefined;
    return kept ?? { gen: 0, cmd: null, answered: [], config: null };
  }

  async counter(): Promise<number> {
    return ((await this.get("counter")) as number | undefined) ?? 0;
  }

  putKeys(keys: DeviceKeys): Promise<void> {
    return this.put("keys", keys);
  }

  putIdentity(identity: Identity): Promise<void> {
    return this.put("identity", identity);
  }

  putRemembered(remembered: Remembered): Promise<void> {
    return this.put("remembered", remembered);
  }

  /** The next number of a series, on disk before it is used. */
  next(series: "counter" | "bseq"): Promise<number> {
    return new Promise((resolve, reject) => {
      const transaction = this.writing("kept");
      const store = transaction.objectStore("kept");
      const read = store.get(series) as IDBRequest<number | undefined>;
      let value = 0;
      read.onsuccess = () => {
        value = (read.result ?? 0) + 1;
        store.put(value, series);
      };
      settle(transaction, () => resolve(value), reject);
    });
  }

  async keepAnswer(answer: WaitingAnswer): Promise<void> {
    const { body, ...open } = answer;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.sealKey, new TextEncoder().encode(body));
    const transaction = this.writing("waiting");
    transaction.objectStore("waiting").put({ ...open, iv, sealed } satisfies SealedAnswer);
    await finished(transaction);
  }

  /** Answers without a receipt, oldest first; those too old or too many are dropped for good. */
  async waiting(now: number): Promise<WaitingAnswer[]> {
    const all = (await done(this.db.transaction("waiting").objectStore("waiting").getAll())) as SealedAnswer[];
    all.sort((a, b) => a.counter - b.counter);
    const fresh = all.filter((answer) => now - answer.at < LONGEST_WAIT_MS).slice(-MOST_WAITING);
    for (const answer of all.filter((old) => !fresh.includes(old))) {
      await this.dropAnswer(answer.id);
    }
    const opened: WaitingAnswer[] = [];
    for (const { iv, sealed, ...open } of fresh) {
      const body = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.sealKey, sealed);
      opened.push({ ...open, body: new TextDecoder().decode(body) });
    }
    return opened;
  }

  async dropAnswer(id: string): Promise<void> {
    const transaction = this.writing("waiting");
    transaction.objectStore("waiting").delete(id);
    await finished(transaction);
  }

  /** Forgets name, key, page and waiting answers. Series go on: a number is never used twice on this machine. */
  async forget(): Promise<void> {
    const transaction = this.db.transaction(["kept", "waiting"], "readwrite");
    for (const name of ["keys", "identity", "remembered"]) {
      transaction.objectStore("kept").delete(name);
    }
    transaction.objectStore("waiting").clear();
    await finished(transaction);
  }

  private get(name: string): Promise<unknown> {
    return done(this.db.transaction("kept").objectStore("kept").get(name));
  }

  private async put(name: string, value: unknown): Promise<void> {
    const transaction = this.writing("kept");
    transaction.objectStore("kept").put(value, name);
    await finished(transaction);
  }

  private writing(store: string): IDBTransaction {
    // Older browsers know no durability option and are strict anyway.
    return (this.db.transaction as (s: string, m: string, o: object) => IDBTransaction).call(this.db, store, "readwrite", {
      durability: "strict",
    });
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("store failed"));
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => settle(transaction, resolve, reject));
}

function settle(transaction: IDBTransaction, resolve: () => void, reject: (reason: unknown) => void): void {
  transaction.oncomplete = () => resolve();
  transaction.onerror = () => reject(transaction.error ?? new Error("store failed"));
  transaction.onabort = transaction.onerror;
}
