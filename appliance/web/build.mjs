// Builds the assets of the clerk's screens into dist/: the scripts and the style sheet, each also compressed. With --tests builds the
// tests into a cache folder that node can run.
import { build } from "esbuild";
import { readdirSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const shared = { bundle: true, target: "chrome86", logLevel: "warning" };

if (process.argv.includes("--tests")) {
  const outdir = "node_modules/.cache/hallbox-web";
  await rm(outdir, { recursive: true, force: true });
  const entryPoints = readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`);
  await build({ ...shared, entryPoints, platform: "node", format: "esm", target: "node18", outdir, outExtension: { ".js": ".mjs" } });
} else {
  await rm("dist", { recursive: true, force: true });
  await mkdir("dist");
  // The camera is a module of its own: who never opens it never loads it.
  for (const [entry, name, format] of [["src/app.ts", "app.js", "iife"], ["src/scan-camera.ts", "scan-camera.js", "esm"], ["src/app.css", "app.css"]]) {
    const { outputFiles } = await build({ ...shared, entryPoints: [entry], format, minify: true, write: false, legalComments: "none" });
    const { contents } = outputFiles[0];
    const compressed = gzipSync(contents, { level: 9 });
    await writeFile(`dist/${name}`, contents);
    await writeFile(`dist/${name}.gz`, compressed);
    console.log(`${name}: ${contents.length} bytes, ${compressed.length} compressed`);
  }
}
