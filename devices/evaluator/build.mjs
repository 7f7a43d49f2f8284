// Builds the page into dist/, or with --tests the tests into a cache folder that node can run.
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { icon } from "./icons.mjs";

if (process.argv.includes("--tests")) {
  const out = "node_modules/.cache/hall-evaluator";
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
    entryPoints: { app: "src/main.ts", sw: "src/sw.ts" },
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "chrome86",
    minify: true,
    legalComments: "none",
    define: { __VERSION__: JSON.stringify(process.env.npm_package_version ?? "0.0.0") },
    outdir: "dist",
  });
  await build({ entryPoints: { app: "src/app.css" }, minify: true, target: "chrome86", outdir: "dist" });
  for (const file of ["index.html", "manifest.webmanifest"]) {
    cpSync(`src/${file}`, `dist/${file}`);
  }
  for (const size of [192, 512]) {
    writeFileSync(`dist/icon-${size}.png`, icon(size));
  }
}
