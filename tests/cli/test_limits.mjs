#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The limits of wrd serve hold, and what they turn away is told; two keys at once.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { client, command, eventually, folder, patiently, serve } from './wrd.mjs';

const tryFor = (server, seconds) => command(['dial', '--timeout', `${seconds}`, server.where, server.fingerprint], 'x\n');
const tryOnce = (server) => tryFor(server, 1);

test('--max-clients: one more waits outside, is told of in the log, and comes in when another has gone', async (t) => {
  const server = await serve(t, ['--max-clients', '2']);
  const [first] = [await client(t, server), await client(t, server)];
  const told = /^wrd: dropped \d+ ClientHellos for want of a free connection in the last \d+ s$/m;
  const refused = await eventually(() => tryOnce(server), ({ code }) => code !== 3 || told.test(server.err)); // who got as far as that
  assert.equal(refused.code, 3);
  await server.until(told, 'err');
  await first.stop('SIGINT');
  const { code } = await patiently((seconds) => tryFor(server, seconds), (ended) => ended.code === 0);
  assert.equal(code, 0);
});

test('--max-clients is of all threads together', async (t) => {
  const server = await serve(t, ['--threads', '4', '--max-clients', '3', '--verbose']);
  for (let i = 0; i < 3; i++) await client(t, server);
  for (let i = 0; i < 4; i++) assert.equal((await tryOnce(server)).code, 3); // whichever loop they meet
});

test('--max-per-address: clients of one address are bounded, and the quiet log says nothing of it', async (t) => {
  const server = await serve(t, ['--max-per-address', '1']);
  await client(t, server);
  assert.equal((await tryOnce(server)).code, 3);
  await server.stop();
  assert.equal(server.err, '');
});

test('--idle-timeout: who says nothing is closed, who talks is not', async (t) => {
  const outlives = async (seconds) => { // a busy machine may be silent for some of them
    const server = await serve(t, ['--idle-timeout', `${seconds}`, '--verbose']);
    const busy = await client(t, server);
    const talk = setInterval(() => busy.write('x\n'), 100);
    t.after(() => clearInterval(talk));
    const idle = await client(t, server);
    assert.equal(await idle.ended, 6);
    await server.until(/ closed: /, 'err');
    await sleep(seconds * 1000 + 500);
    return busy.code ?? 'it does';
  };
  const ends = (seconds) => outlives(seconds).catch((error) => error);
  assert.equal(await patiently(ends, (end) => end === 'it does'), 'it does');
});

test('--handshake-rate: who comes above it comes in later, is counted and told of in the log', async (t) => {
  const server = await serve(t, ['--handshake-rate', '1', '--metrics', '127.0.0.1:0']);
  const [, url] = await server.until(/^status (http:\S+\/)status$/m);
  const counted = async (what) => {
    const text = await (await fetch(url + 'metrics')).text();
    return Number(new RegExp(`^wrd_${what} (\\d+)$`, 'm').exec(text)[1]);
  };
  const dropped = (patience) => eventually(() => counted('dropped_datagrams_total\\{cause="handshake-rate"\\}'), (count) => count > 0, patience);
  const since = performance.now();
  let came = 0;
  for (let crowd = 2; came === 0 || (await dropped(500) === 0 && crowd < 8); crowd++) { // a few come slowly by themselves on a busy machine
    came += (await Promise.all(Array.from({ length: crowd }, () => client(t, server)))).length;
    const seconds = (performance.now() - since) / 1000;
    assert.ok(came <= 1 + 1.1 * seconds, `${came} within ${seconds} s`);
  }
  assert.equal(await eventually(() => counted('handshakes_total\\{outcome="opened"\\}'), (opened) => opened === came), came);
  assert.ok(await dropped() > 0);
  await server.until(/^wrd: dropped \d+ ClientHellos above the handshake rate in the last \d+ s$/m, 'err');
});

test('two keys: a client that knows either fingerprint comes in, one that knows neither does not', async (t) => {
  const files = ['old', 'new'].map((name) => path.join(folder(t), name));
  const fingerprints = [];
  for (const file of files) fingerprints.push((await command(['key', 'new', file])).out.trim());
  const server = await serve(t, ['--key', files[0], '--second-key', files[1]]);
  assert.equal(server.fingerprint, fingerprints[0], 'the first is announced');
  for (const fingerprint of fingerprints) {
    const { code, out, err } = await command(['dial', server.where, fingerprint], 'hello\n');
    assert.equal(code, 0, err);
    assert.equal(out, 'hello\n');
  }
  assert.equal((await command(['dial', server.where, 'ab'.repeat(32)])).code, 5);
});

test('two keys that are one are told: 1', async (t) => {
  const file = path.join(folder(t), 'key');
  await command(['key', 'new', file]);
  const { code, err } = await command(['serve', '--listen', '127.0.0.1:0', '--key', file, '--second-key', file]);
  assert.equal(code, 1);
  assert.match(err, /holds the same key as/);
  const missing = await command(['serve', '--listen', '127.0.0.1:0', '--key', file, '--second-key', file + '.none']);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /does not exist\. `wrd key new \S+` makes one/);
});
