// Where the page starts: one tab per device, then pairing or service.

import "./compat";
import { App } from "./app";
import { makeKeys } from "./keys";
import { pair } from "./pairing";
import { Store } from "./store";
import { Screen } from "./view/screen";

/** `?slot=W02` keeps several evaluators apart in one browser. */
function slotOf(search: string): string {
  const slot = new URLSearchParams(search).get("slot") ?? "";
  return /^[A-Za-z0-9-]{1,24}$/.test(slot) ? slot : "";
}

async function run(screen: Screen): Promise<void> {
  if (!window.isSecureContext || !window.indexedDB) {
    return screen.notice("insecure");
  }
  const slot = slotOf(location.search);
  await alone(`hall-evaluator-${slot}`, () => screen.notice("second-tab"));
  screen.notice("starting");
  // Without it the page works as well, as long as the box is there when the tablet starts.
  void navigator.serviceWorker?.register("sw.js").catch(() => undefined);
  void navigator.storage?.persist?.().catch(() => false);
  const store = await Store.open(slot);
  const keys = (await store.keys()) ?? (await freshKeys(store));
  let identity = await store.identity();
  if (!identity) {
    identity = await pair(keys, (view) => screen.pairing(view));
    await store.putIdentity(identity);
  }
  keepAwake();
  await new App(store, keys, identity, screen).run();
}

async function freshKeys(store: Store): ReturnType<typeof makeKeys> {
  const keys = await makeKeys();
  await store.putKeys(keys);
  return keys;
}

/** Resolves when no other tab holds the same device; holds it until the page goes. */
function alone(name: string, waiting: () => void): Promise<void> {
  if (!navigator.locks) {
    return Promise.resolve();
  }
  const soon = setTimeout(waiting, 800);
  return new Promise((resolve) => {
    void navigator.locks.request(name, () => {
      clearTimeout(soon);
      resolve();
      return new Promise<never>(() => undefined);
    });
  });
}

/** A screen that faces the citizen does not go dark between two of them. */
function keepAwake(): void {
  const ask = (): void => {
    if (document.visibilityState === "visible") {
      void navigator.wakeLock?.request("screen").catch(() => undefined);
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}

const glass = document.getElementById("glass");
if (glass) {
  const screen = new Screen(glass);
  run(screen).catch(() => {
    screen.notice("broken");
    setTimeout(() => location.reload(), 15_000);
  });
}
