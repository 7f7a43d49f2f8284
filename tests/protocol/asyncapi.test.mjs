// docs/protocol/evaluator.asyncapi.yaml and its schemas, read by the tools of others: AsyncAPI's own parser for the
// document, ajv for the schemas and every example. The Rust side of hall-bus holds the same files against the types.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { Parser } from "@asyncapi/parser";
import Ajv2020 from "ajv/dist/2020.js";

const PROTOCOL = path.resolve(fileURLToPath(import.meta.url), "../../../docs/protocol");
const DOCUMENT = path.join(PROTOCOL, "evaluator.asyncapi.yaml");
const FORMAT = "application/schema+json;version=2020-12";

/** What the parser finds wrong with a text; what is merely recommended is left out. It knows schemas of draft 7 only, and hands others
 *  over with every reference resolved: ajv says whether they are schemas of 2020-12. */
async function faults(text) {
  const [parser, wrong] = [new Parser(), []];
  const parse = ({ data }) => {
    const ajv = new Ajv2020.default();
    if (!ajv.validateSchema(data)) {
      wrong.push(`${data.title}: ${ajv.errorsText(ajv.errors)}`);
    }
    return data;
  };
  parser.registerSchemaParser({ getMimeTypes: () => [FORMAT], validate: () => [], parse });
  const { document, diagnostics } = await parser.parse(text, { source: DOCUMENT });
  wrong.push(...diagnostics.filter(({ severity }) => severity <= 1).map(({ message, path: at }) => `${at.join("/")}: ${message}`));
  return { document, wrong };
}

async function schemas() {
  const names = (await readdir(path.join(PROTOCOL, "schemas"))).filter((name) => name.endsWith(".json"));
  const ajv = new Ajv2020.default({ allErrors: true, allowUnionTypes: true, strictRequired: false });
  for (const name of names) {
    ajv.addSchema(JSON.parse(await readFile(path.join(PROTOCOL, "schemas", name), "utf8")), name);
  }
  return { names, ajv };
}

test("AsyncAPI's own parser finds nothing wrong with the document", async () => {
  const { document, wrong } = await faults(await readFile(DOCUMENT, "utf8"));
  assert.deepEqual(wrong, []);
  assert.ok(document.operations().all().length >= 29);
  assert.ok(document.messages().all().every((message) => message.examples().all().length > 0), "every message has an example");
});

test("the parser would have found a wrong action, binding, reference or schema", async () => {
  const text = await readFile(DOCUMENT, "utf8");
  for (const [from, to] of [
    ["action: send", "action: shout"],
    ["qos: 0", "qos: 3"],
    ['"#/channels/ack"', '"#/channels/nack"'],
    ["schemas/ack.json", "schemas/nack.json"],
    ["schema: {$ref: \"schemas/stop.json\"}", "schema: {type: objekt}"],
  ]) {
    assert.ok(text.includes(from), from);
    assert.notDeepEqual((await faults(text.replace(from, to))).wrong, [], `${from} → ${to}`);
  }
});

test("every example in a schema and in the document is valid by its schema", async () => {
  const { names, ajv } = await schemas();
  let count = 0;
  for (const name of names) {
    const validate = ajv.getSchema(name);
    for (const example of validate.schema.examples ?? []) {
      assert.ok(validate(example), `${name}: ${ajv.errorsText(validate.errors)}`);
      count += 1;
    }
  }
  const { document } = await faults(await readFile(DOCUMENT, "utf8"));
  for (const message of document.messages().all()) {
    const { title } = message.payload().json().schema;
    const validate = names.map((name) => ajv.getSchema(name)).find(({ schema }) => schema.title === title);
    for (const example of message.examples().all()) {
      assert.ok(validate(example.payload()), `${message.id()}: ${ajv.errorsText(validate.errors)}`);
      count += 1;
    }
  }
  assert.ok(count > 60, `${count} examples`);
});
