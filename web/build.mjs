// SPDX-License-Identifier: MIT
// Builds dist/: core.wasm from the C rooms, and the whole client as one ES module with it inside.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const GZIP_LIMIT = 6 * 1024;
// The whole protocol library, and the part of it that the client carries.
const CORE = { rooms: ['base', 'dial', 'frame'], exports: ['memory', 'frame_exports', 'dial_exports'] };
const FRAME = { rooms: ['base', 'frame'], exports: ['memory', 'frame_exports'] };

const web = fileURLToPath(new URL('.', import.meta.url));
const root = join(web, '..');
const dist = join(web, 'dist');

function tool(name, variable) {
  const versions = [''];
  for (let version = 30; version >= 13; version--) versions.push(`-${version}`);
  const names = process.env[variable] ? [process.env[variable]] : versions.map((version) => name + version);
  const folders = process.env.PATH.split(delimiter);
  for (const candidate of names) {
    if (candidate.includes('/') ? existsSync(candidate) : folders.some((folder) => existsSync(join(folder, candidate))))
      return candidate;
  }
  throw new Error(`${name} is needed to build the WebAssembly part: install clang and lld, or set ${variable}.`);
}

function buildWasm(name, { rooms, exports }) {
  const clang = tool('clang', 'WASM_CC');
  const linker = tool('wasm-ld', 'WASM_LD');
  const sources = rooms.flatMap((room) => readdirSync(join(root, 'src', room)).map((file) => join(root, 'src', room, file)));
  sources.push(...exports.map((file) => join(root, 'src/wasm', `${file}.c`)));
  const scratch = mkdtempSync(join(tmpdir(), 'webrtc-direct-'));
  try {
    const objects = sources
      .filter((source) => source.endsWith('.c'))
      .map((source, index) => {
        const object = join(scratch, `${index}.o`);
        execFileSync(
          clang,
          [
            ...['--target=wasm32', '-std=c11', '-Oz', '-flto', '-mbulk-memory', '-ffreestanding', '-nostdlib', '-nostdinc'],
            ...['-fvisibility=hidden', '-pedantic', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Wno-unused-parameter'],
            ...['-isystem', join(resourceDirectory(clang), 'include'), '-isystem', join(root, 'src/wasm/freestanding')],
            ...['-I', join(root, 'include'), '-I', join(root, 'src'), '-c', source, '-o', object],
          ],
          { stdio: 'inherit' },
        );
        return object;
      });
    const out = join(dist, name);
    execFileSync(
      linker,
      [
        // Loop strength reduction trades size for address arithmetic that WebAssembly has no use for.
        ...['-mllvm', '-disable-lsr', '--no-entry', '--strip-all', '--gc-sections', '--lto-O2', '-O2', '--export=words', '--max-memory=1073741824'],
        ...['--stack-first', '-z', 'stack-size=65536', ...objects, '-o', out],
      ],
      { stdio: 'inherit' },
    );
    const wasm = readFileSync(out);
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm)).map((entry) => entry.name);
    if (imports.length > 0) throw new Error(`${name} must import nothing, but it imports ${imports.join(', ')}`);
    return wasm;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function resourceDirectory(clang) {
  return execFileSync(clang, ['-print-resource-dir'], { encoding: 'utf8' }).trim();
}

function report(name, bytes) {
  const zipped = gzipSync(bytes, { level: 9 }).length;
  console.log(`${name.padEnd(22)} ${String(bytes.length).padStart(6)} bytes, ${String(zipped).padStart(5)} gzip -9`);
  return zipped;
}

mkdirSync(dist, { recursive: true });
const core = buildWasm('core.wasm', CORE);
const frame = buildWasm('frame.wasm', FRAME);

const outfile = join(dist, 'webrtc-direct.js');
// Hex rather than base64: gzip finds the repeats of whole bytes again, which makes the file 350 bytes smaller on the wire.
await build({
  entryPoints: [join(web, 'src/webrtc-direct.ts')],
  outfile,
  bundle: true,
  minify: true,
  sourcemap: 'linked',
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  define: { FRAME_WASM: JSON.stringify(frame.toString('hex')) },
});
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', web], { stdio: 'inherit' });

report('core.wasm', core);
report('frame.wasm', frame);
const zipped = report('webrtc-direct.js', readFileSync(outfile));
if (zipped > GZIP_LIMIT) {
  console.error(`webrtc-direct.js is ${zipped - GZIP_LIMIT} bytes over its limit of ${GZIP_LIMIT} (gzip -9)`);
  process.exit(1);
}
