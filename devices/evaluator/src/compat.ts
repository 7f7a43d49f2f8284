// What the MQTT library uses and Chromium 86 has not (it came with 92). Loaded before anything else.

if (!("at" in Array.prototype)) {
  Object.defineProperty(Array.prototype, "at", {
    configurable: true,
    writable: true,
    value(this: unknown[], index: number): unknown {
      return this[index < 0 ? this.length + index : index];
    },
  });
}

export {};
