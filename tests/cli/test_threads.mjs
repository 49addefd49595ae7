#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// wrd serve with two loops and all that watches them at once: capture, key log, metrics and the status page, under benches,
// to the end of a drain. What it asserts holds for any build; under ThreadSanitizer it looks for races between all these.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { client, command, folder, serve } from './wrd.mjs';

const CLIENTS = 40;
const BENCHES = [['connects', 'idle', '--clients', `${CLIENTS}`, '--idle-seconds', '1'], ['echo', '--echo-clients', '8'],
  ['receive', 'send', '--bulk-clients', '8']];
const FILE_HEAD = 24; // of a capture without packets
const PACKET_HEAD = 16;

/** Asks for each of the pages again and again until `stop`, which answers how often. */
function readers(url, names) {
  let stopped = false;
  let count = 0;
  const done = Promise.all(names.map(async (name) => {
    while (!stopped) {
      assert.equal((await fetch(url + name)).status, 200);
      count++;
    }
  }));
  return async () => {
    stopped = true;
    await done;
    return count;
  };
}

/** The packets of a capture file; its last one must be whole. */
function packets(file) {
  const bytes = readFileSync(file);
  let count = 0;
  let at = FILE_HEAD;
  for (; at < bytes.length; count++) at += PACKET_HEAD + bytes.readUInt32LE(at + 8);
  assert.equal(at, bytes.length);
  return count;
}

/** A server of two loops, whose numbers are read all the time, under benches; then it drains. Answers how many came in. */
async function serveAndDrain(t, args) {
  const server = await serve(t, ['--threads', '2', '--bench', '--metrics', '127.0.0.1:0', ...args]);
  const [, url] = await server.until(/^status (http:\S+\/)status$/m);
  const stopReading = readers(url, ['metrics', 'status.json']);
  // At once: while one begins on one loop, another is busy on the other.
  const benches = await Promise.all(BENCHES.map((mode) => command(['bench', server.where, server.fingerprint, '--seconds', '1', ...mode])));
  for (const { code, err } of benches) assert.equal(code, 0, err);
  assert.match(benches[0].out, new RegExp(`clients that opened +${CLIENTS}$`, 'm'));
  const clients = await Promise.all(Array.from({ length: 8 }, () => client(t, server)));
  assert.ok(await stopReading() > 2);
  const numbers = await (await fetch(url + 'metrics')).text();
  assert.match(numbers, /^wrd_threads 2$/m);
  const opened = Number(/^wrd_handshakes_total\{outcome="opened"\} (\d+)$/m.exec(numbers)[1]);
  assert.ok(opened >= CLIENTS, `${opened}`);
  assert.equal(await server.stop(), 0, server.err);
  for (const dial of clients) assert.equal(await dial.ended, 6, dial.err);
  return opened;
}

test('two loops serve benches while their numbers are read, and drain', (t) => serveAndDrain(t, []));

// On its own, since the lock of the files that they share hides races between the loops.
test('two loops that are captured and logged do the same, and the files are whole', async (t) => {
  const inside = folder(t);
  const [capture, keyLog] = ['capture', 'keys'].map((name) => path.join(inside, name));
  const opened = await serveAndDrain(t, ['--capture', capture, '--key-log', keyLog, '--verbose']);
  assert.ok(packets(capture) > opened, 'more than one packet of each');
  const secrets = readFileSync(keyLog, 'utf8').trimEnd().split('\n');
  for (const line of secrets) assert.match(line, /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/);
  assert.equal(new Set(secrets).size, secrets.length, 'a line twice');
  assert.ok(secrets.length >= opened, `${secrets.length} of ${opened}`);
});
