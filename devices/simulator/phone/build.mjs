// Builds the app into dist/, or with --tests the tests into a cache folder that node can run.
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

if (process.argv.includes("--tests")) {
  const out = "node_modules/.cache/hall-phone";
  rmSync(out, { recursive: true, force: true });
  await build({
    entryPoints: readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    outdir: out,
    outExtension: { ".js": ".mjs" },
  });
} else {
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  await build({
    entryPoints: { app: "src/main.ts" },
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "chrome137",
    minify: true,
    legalComments: "none",
    outdir: "dist",
  });
  await build({ entryPoints: { app: "src/app.css" }, minify: true, target: "chrome137", outdir: "dist" });
  cpSync("src/index.html", "dist/index.html");
}
