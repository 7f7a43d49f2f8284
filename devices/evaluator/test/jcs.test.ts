import assert from "node:assert/strict";
import { test } from "node:test";
import show from "../../bus/fixtures/show-authorize.json";
import { canonical, digestOf, type Json } from "../src/jcs";

test("members are sorted by UTF-16 code units, as RFC 8785 asks", () => {
  const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 };
  assert.equal(canonical(value), '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}');
});

test("numbers and texts are written as RFC 8785 asks", () => {
  assert.equal(canonical([333333333.33333329, 1e30, 4.5, 2e-3, 1e-27, -0]), "[333333333.3333333,1e+30,4.5,0.002,1e-27,0]");
  assert.equal(canonical("\u20ac$\u000f\u000aA'B\"\\\\\"/"), '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
  assert.equal(canonical({ b: [null, true], a: {} }), '{"a":{},"b":[null,true]}');
});

test("what JSON cannot hold is refused", () => {
  assert.throws(() => canonical("\ud800"));
  assert.throws(() => canonical({ "\udc00": 1 }));
  assert.throws(() => canonical(Number.POSITIVE_INFINITY));
});

test("the digest of a page is the one that the box computed", async () => {
  assert.equal(await digestOf(show.data as Json), show.digest);
  assert.notEqual(await digestOf({ ...show.data, applicant: "李*" } as Json), show.digest);
});
