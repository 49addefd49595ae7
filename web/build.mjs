// SPDX-License-Identifier: MIT
// Builds dist/: the C rooms as WebAssembly, and the whole client as one ES module with what it needs of them inside.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { minify } from 'terser';

// Of what a page loads, in bytes after gzip -9, with the compiler that the tests run with; others differ by some 2 %.
const REFERENCE_CLANG = 14;
const LIMITS = { 'webrtc-direct.js': 6000, 'channels.js': 2100 };
// The client's code has these characters most often, so gzip has short codes for them already.
const NIBBLES = ',e(snr= dotia}:)';
// The whole protocol library, and the part of it that the client carries.
const CORE = { rooms: ['base', 'dial', 'frame'], exports: ['memory.c', 'frame_exports.c', 'dial_exports.c'] };
const FRAME = {
  rooms: ['base', 'frame'],
  exports: ['memory.c', 'frame_exports.c'],
  flags: ['-mllvm', '-inline-threshold=30'], // the smallest, by trial
};

const web = fileURLToPath(new URL('.', import.meta.url));
const root = join(web, '..');
const dist = join(web, 'dist');

// The first that is there: what the variable names, then the plain name, then the newest version.
function tool(name, variable) {
  const versions = Array.from({ length: 20 }, (_, older) => `${name}-${32 - older}`);
  const names = process.env[variable] ? [process.env[variable]] : [name, ...versions];
  const folders = process.env.PATH.split(delimiter);
  const found = names.find((file) => existsSync(file) || folders.some((folder) => existsSync(join(folder, file))));
  if (!found) throw new Error(`${name} is needed for the WebAssembly part: install clang and lld, or set ${variable}.`);
  return found;
}

const clang = tool('clang', 'WASM_CC');
const ask = (question) => execFileSync(clang, [question], { encoding: 'utf8' }).trim();
// The linker next to the compiler reads what it writes; another version may not.
const sibling = ask('-print-prog-name=wasm-ld');
const linker = !process.env.WASM_LD && sibling !== 'wasm-ld' ? sibling : tool('wasm-ld', 'WASM_LD');

const compilerFlags = [
  ...['--target=wasm32', '-std=c11', '-Oz', '-flto', '-mbulk-memory', '-fvisibility=hidden', '-DWRD_LZ4_SHORT=0'],
  '-fno-jump-tables',
  ...['-ffreestanding', '-nostdlib', '-nostdinc', '-isystem', join(ask('-print-resource-dir'), 'include')],
  ...['-isystem', join(root, 'src/wasm/freestanding'), '-I', join(root, 'include'), '-I', join(root, 'src')],
  ...['-pedantic', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Wmissing-prototypes', '-Wno-unused-parameter'],
];
const linkerFlags = [
  ...['--no-entry', '--strip-all', '--gc-sections', '--lto-O2', '-O2', '--compress-relocations'],
  '--max-memory=1073741824',
  // The stack lies below everything, so that it traps rather than writes over data.
  ...['--stack-first', '-z', 'stack-size=65536'],
  // Loop strength reduction makes code longer for the sake of address arithmetic that WebAssembly does anyway.
  ...['-mllvm', '-disable-lsr'],
];

function buildWasm(name, { rooms, exports, flags = [] }) {
  const files = rooms.flatMap((room) => readdirSync(join(root, 'src', room)).map((file) => join(room, file)));
  files.push(...exports.map((file) => join('wasm', file)));
  const scratch = mkdtempSync(join(tmpdir(), 'webrtc-direct-'));
  const run = (program, args) => execFileSync(program, args, { stdio: 'inherit' });
  try {
    const objects = [];
    for (const file of files.filter((path) => path.endsWith('.c'))) {
      const object = join(scratch, `${objects.length}.o`);
      run(clang, [...compilerFlags, '-c', join(root, 'src', file), '-o', object]);
      objects.push(object);
    }
    run(linker, [...linkerFlags, ...flags, ...objects, '-o', join(dist, name)]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  const wasm = readFileSync(join(dist, name));
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm)).map((entry) => entry.name);
  if (imports.length > 0) throw new Error(`${name} must import nothing, but it imports ${imports.join(', ')}`);
  return wasm;
}

function report(name, bytes) {
  const zipped = gzipSync(bytes, { level: 9 }).length;
  console.log(`${name.padEnd(22)} ${String(bytes.length).padStart(6)} bytes, ${String(zipped).padStart(5)} gzip -9`);
  return zipped;
}

mkdirSync(dist, { recursive: true });
for (const file of readdirSync(dist).filter((name) => name.endsWith('.d.ts'))) rmSync(join(dist, file));
const core = buildWasm('core.wasm', CORE);
const frame = buildWasm('frame.wasm', FRAME);

// Two characters for each byte, not base64: gzip then finds repeated bytes again, which saves 350 bytes on the wire.
const spelled = frame.toString('hex').replace(/./g, (digit) => NIBBLES[parseInt(digit, 16)]);
// One file of the client, with `data` as its FRAME_WASM: esbuild joins the sources, terser finds shorter words for them.
async function bundle(name, { data = '', ...options }) {
  // Of the same length, so that the source map holds, and of a character that does not sway terser's choice of letters.
  const place = '0'.repeat(data.length);
  const outfile = join(dist, name);
  const { outputFiles } = await build({
    entryPoints: [join(web, 'src', name.replace(/js$/, 'ts'))],
    outfile,
    bundle: true,
    write: false,
    minifySyntax: true,
    sourcemap: 'external',
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    ...options,
    define: { ...options.define, FRAME_WASM: JSON.stringify(place) },
  });
  const [map, file] = outputFiles.map(({ text }) => text);
  const { code, map: shortMap } = await minify(
    { [name]: file },
    { module: true, ecma: 2022, compress: { passes: 2 }, sourceMap: { content: map, url: `${name}.map` } },
  );
  writeFileSync(outfile, data ? code.replace(place, data) : code);
  writeFileSync(`${outfile}.map`, shortMap);
}

await bundle('webrtc-direct.js', {
  data: spelled,
  define: { FRAMES: 'true', NIBBLES: JSON.stringify(NIBBLES) },
});
// It shares the error class with the client, so that `instanceof` holds; what else they share is in both.
const fromClient = {
  name: 'from the client',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(error|webrtc-direct)\.js$/ }, () => ({ path: './webrtc-direct.js', external: true })),
};
await bundle('channels.js', { plugins: [fromClient], define: { FRAMES: 'false' } });
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', web], { stdio: 'inherit' });

report('core.wasm', core);
report('frame.wasm', frame);
for (const [name, limit] of Object.entries(LIMITS)) {
  const zipped = report(name, readFileSync(join(dist, name)));
  if (zipped > limit) {
    console.error(`${name} is ${zipped - limit} bytes over its limit of ${limit} (gzip -9)`);
    const version = Number(execFileSync(clang, ['-dumpversion'], { encoding: 'utf8' }).split('.')[0]);
    if (version === REFERENCE_CLANG) process.exitCode = 1;
  }
}
