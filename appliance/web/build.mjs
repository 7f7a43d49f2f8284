// Builds the assets of the clerk's screens into dist/: one script and one style sheet, each also compressed.
import { build } from "esbuild";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
for (const [entry, name] of [["src/app.ts", "app.js"], ["src/app.css", "app.css"]]) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    target: "chrome86",
    legalComments: "none",
    logLevel: "warning",
  });
  const { contents } = outputFiles[0];
  const compressed = gzipSync(contents, { level: 9 });
  await writeFile(`dist/${name}`, contents);
  await writeFile(`dist/${name}.gz`, compressed);
  console.log(`${name}: ${contents.length} bytes, ${compressed.length} compressed`);
}
