// SPDX-License-Identifier: MIT
// The package as a user gets it: packed, unpacked into node_modules, imported and type-checked.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const web = fileURLToPath(new URL('../../web/', import.meta.url));
let user;

before(() => {
  user = mkdtempSync(join(tmpdir(), 'webrtc-direct-user-'));
  const installed = join(user, 'node_modules/webrtc-direct');
  mkdirSync(installed, { recursive: true });
  const quiet = { cwd: web, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' };
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', user];
  const [{ filename }] = JSON.parse(execFileSync('npm', pack, quiet));
  execFileSync('tar', ['-xzf', join(user, filename), '-C', installed, '--strip-components=1']);
  writeFileSync(join(user, 'package.json'), '{ "type": "module" }');
});
after(() => rmSync(user, { recursive: true }));

const run = (code) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: user, encoding: 'utf8' });

test('the package has the client, its types and the modules, and nothing else', () => {
  const list = (folder) => readdirSync(join(user, 'node_modules/webrtc-direct', folder)).sort();
  assert.deepEqual(list('.'), ['dist', 'package.json']);
  assert.deepEqual(list('dist'), [
    'address.d.ts',
    'channels.d.ts',
    'channels.js',
    'channels.js.map',
    'core.wasm',
    'error.d.ts',
    'frame.d.ts',
    'frame.wasm',
    'pipe.d.ts',
    'webrtc-direct.d.ts',
    'webrtc-direct.js',
    'webrtc-direct.js.map',
  ]);
});

test('importing it touches nothing of the browser', () => {
  const out = run(`
    for (const name of ['RTCPeerConnection', 'navigator', 'document', 'window', 'location', 'crypto', 'WebAssembly',
      'atob', 'addEventListener'])
      Object.defineProperty(globalThis, name, { configurable: true, get() { throw new Error('touched ' + name); } });
    const client = await import('webrtc-direct');
    console.log(Object.keys(client).sort().join());
    const channels = await import('webrtc-direct/channels');
    console.log(Object.keys(channels).sort().join(), channels.DirectError === client.DirectError);`);
  const names = 'DirectError,connect,loadCodec,parseAddress,renderAnswer';
  assert.equal(out.trim(), `${names}\n${names} true`);
});

test('its pure part works in node, and connecting there fails with a reason', () => {
  const out = run(`
    import { connect, loadCodec, parseAddress } from 'webrtc-direct';
    import { webcrypto } from 'node:crypto';
    globalThis.crypto ??= webcrypto;
    const codec = await loadCodec();
    const [message] = codec.decoder().push(codec.encode(new TextEncoder().encode('hello')));
    console.log(new TextDecoder().decode(message), parseAddress('[::1]:9 ' + 'ab'.repeat(32)).ip);
    await connect('127.0.0.1:9 ' + 'ab'.repeat(32)).catch((error) => console.log(error.code));`);
  assert.equal(out.trim(), 'hello ::1\nrefused-by-browser');
});

test('raw messages need no WebAssembly', () => {
  const out = run(`
    import { connect } from 'webrtc-direct';
    import { webcrypto } from 'node:crypto';
    globalThis.crypto ??= webcrypto;
    delete globalThis.WebAssembly;
    await connect('127.0.0.1:9 ' + 'ab'.repeat(32), { framing: 'raw' }).catch((error) => console.log(error.code));`);
  assert.equal(out.trim(), 'refused-by-browser');
});

test('core.wasm is found by its export', () => {
  const path = run(`
    import { createRequire } from 'node:module';
    console.log(createRequire('${join(user, 'program.js')}').resolve('webrtc-direct/core.wasm'));`);
  assert.ok(WebAssembly.validate(readFileSync(path.trim())));
});

test('a program in TypeScript finds the types, in both ways of resolving', () => {
  copyFileSync(new URL('consumer.ts', import.meta.url), join(user, 'consumer.ts'));
  const tsc = join(web, 'node_modules/typescript/bin/tsc');
  for (const [module, resolution] of [['esnext', 'bundler'], ['nodenext', 'nodenext']]) {
    try {
      execFileSync(process.execPath, [tsc, '--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom',
        '--module', module, '--moduleResolution', resolution, 'consumer.ts'], { cwd: user, encoding: 'utf8' });
    } catch (error) {
      assert.fail(`${module}: ${error.stdout}`);
    }
  }
});

test('nothing of it stays in a bundle that uses nothing of it', async () => {
  const { buildSync } = await import(join(web, 'node_modules/esbuild/lib/main.js'));
  const options = { bundle: true, minify: true, write: false, format: 'esm', logLevel: 'silent' };
  const bundle = (contents) => buildSync({ stdin: { contents, resolveDir: user }, ...options });
  assert.ok(bundle("import 'webrtc-direct'; console.log(1)").outputFiles[0].text.length < 50);
  assert.ok(bundle("import { connect } from 'webrtc-direct'; connect('x')").outputFiles[0].text.length > 10_000);
});

test('the whole client is at most 6 kB compressed, further channels 2.1 kB', () => {
  for (const [name, limit] of [['webrtc-direct.js', 6000], ['channels.js', 2100]]) {
    const { length } = gzipSync(readFileSync(join(web, 'dist', name)), { level: 9 });
    assert.ok(length <= limit, `${name}: ${length} bytes`);
  }
});

test('the lock file pins every package by hash and names no host', () => {
  const lock = readFileSync(join(web, 'package-lock.json'), 'utf8');
  assert.ok(!/https?:|resolved/.test(lock));
  const { '': own, ...packages } = JSON.parse(lock).packages;
  for (const [name, { integrity }] of Object.entries(packages)) assert.match(integrity, /^sha512-/, name);
});
