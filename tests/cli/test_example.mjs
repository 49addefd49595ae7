#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The programs of example/: they run, they talk to each other, and they say what is wrong.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program, command, example, folder, run, wrd } from './wrd.mjs';

async function start(t, program, args) {
  const server = new Program(example(program), args);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint] = await server.until(/^(?:listening )?(\S+:\d+) ([0-9a-f]{64})\n/);
  return Object.assign(server, { where, fingerprint });
}

test('quickstart echoes what quickstart_client says', async (t) => {
  const server = await start(t, 'quickstart', ['127.0.0.1:0']);
  const { code, out, err } = await run(example('quickstart_client'), [`${server.where} ${server.fingerprint}`]);
  assert.equal(code, 0, err);
  assert.equal(out, 'hello\n');
});

test('quickstart_channels sends its state on a channel and chat to everyone', async (t) => {
  const server = await start(t, 'quickstart_channels', ['127.0.0.1:0']);
  const address = [server.where, server.fingerprint];
  const listener = new Program(wrd, ['dial', ...address]);
  t.after(() => listener.stop());
  await listener.write('first\n');
  await listener.until(/^first\n$/);
  const state = await command(['dial', '--channel', 'state,unordered,retransmits=0', ...address], 'go\n');
  assert.equal(state.code, 0, state.err);
  assert.match(state.out, /^tick \d+\n/);
  const other = await command(['dial', '--channel', 'other', ...address], 'go\n');
  assert.equal(other.code, 6, other.err);
  assert.match(other.err, /code 4001: only "state" is known here/);
  const chat = await command(['dial', ...address], 'hello all\n');
  assert.equal(chat.out, 'hello all\n');
  await listener.until(/^first\nhello all\n$/);
});

test('the quickstart programs say what is wrong', async () => {
  const server = await run(example('quickstart'), ['nowhere']);
  assert.equal(server.code, 1);
  assert.match(server.err, /\S{3}/);
  const nothing = await run(example('quickstart_client'), []);
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /usage: /);
  const bad = await run(example('quickstart_client'), ['127.0.0.1:1 abc']);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /\S{3}/);
});

test('the example server echoes, serves its page, and names where to open it', async (t) => {
  const key = path.join(folder(t), 'server.key');
  const server = await start(t, 'server', ['--listen', '0.0.0.0:0', '--http', '0.0.0.0:0', '--key', key]);
  const [, url] = await server.until(/^page (http:\/\/127\.0\.0\.1:\d+\/)$/m);
  const info = await (await fetch(url + 'webrtc-info')).json();
  assert.equal(info.fingerprint, server.fingerprint);
  const { code, out, err } = await command(['dial', `127.0.0.1:${info.port}`, info.fingerprint], 'hello\n');
  assert.equal(code, 0, err);
  assert.equal(out, 'hello\n');
  await server.until(/a client connected from 127\.0\.0\.1:\d+ \(1 now\)\n[^]*a client left: .* \(0 now\)/);
  assert.equal(await server.stop('SIGINT'), 0);
});

test('a client that never finishes its handshake is not counted', async (t) => {
  const server = await start(t, 'server', ['--listen', '127.0.0.1:0', '--http', '127.0.0.1:0']);
  const wrong = await command(['dial', server.where, 'ab'.repeat(32)]);
  assert.equal(wrong.code, 5);
  const right = await command(['dial', server.where, server.fingerprint], 'x\n');
  assert.equal(right.code, 0, right.err);
  await server.until(/left: .* \(0 now\)/);
  assert.doesNotMatch(server.out, /\(4294967295 now\)/);
});

test('the example server explains its options and refuses others', async () => {
  const help = await run(example('server'), ['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /--listen .*3478/);
  assert.match(help.out, /--http .*8080/);
  for (const args of [['--frobnicate'], ['word']]) assert.equal((await run(example('server'), args)).code, 2);
});

const tsc = fileURLToPath(new URL('../../web/node_modules/.bin/tsc', import.meta.url));

test('the page and quickstart.ts agree with the types of the browser client', { skip: !existsSync(tsc) && 'web/ is not set up' }, async () => {
  const { code, out } = await run(tsc, ['-p', fileURLToPath(new URL('../../example', import.meta.url))]);
  assert.equal(code, 0, out);
});
