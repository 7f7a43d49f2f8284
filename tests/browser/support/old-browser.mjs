// Chromium 86, as far as a page can tell: what came later is taken away before anything loads.

/** Runs in the page. Returns nothing; notes in `globalThis.refusedEd25519` how often Ed25519 was asked for. */
export function chromium86() {
  globalThis.refusedEd25519 = 0;
  const { generateKey } = SubtleCrypto.prototype;
  SubtleCrypto.prototype.generateKey = function (algorithm, ...rest) {
    if ((algorithm.name ?? algorithm) === "Ed25519") {
      globalThis.refusedEd25519 += 1;
      return Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"));
    }
    return generateKey.call(this, algorithm, ...rest);
  };
  const later = [
    [Array.prototype, ["at", "findLast", "findLastIndex", "toReversed", "toSorted", "toSpliced", "with"]],
    [String.prototype, ["at", "isWellFormed", "toWellFormed"]],
    [Object.getPrototypeOf(Uint8Array.prototype), ["at", "findLast", "findLastIndex", "toReversed", "toSorted", "with"]],
    [Uint8Array.prototype, ["toBase64", "toHex", "setFromBase64", "setFromHex"]],
    [Uint8Array, ["fromBase64", "fromHex"]],
    [Array, ["fromAsync"]],
    [Object, ["hasOwn", "groupBy"]],
    [Map, ["groupBy"]],
    [Promise, ["withResolvers", "try"]],
    [Set.prototype, ["union", "intersection", "difference", "isSubsetOf", "isSupersetOf", "symmetricDifference", "isDisjointFrom"]],
    [globalThis, ["structuredClone", "scheduler", "Iterator"]],
    [Crypto.prototype, ["randomUUID"]],
    [AbortSignal, ["timeout", "any", "abort"]],
    [AbortSignal.prototype, ["throwIfAborted", "reason"]],
    [Navigator.prototype, ["userActivation"]],
  ];
  for (const [owner, names] of later) {
    for (const name of names) {
      delete owner[name];
      if (name in owner) {
        throw new Error(`${name} stays`);
      }
    }
  }
}
