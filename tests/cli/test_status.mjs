#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// /metrics, /status and /status.json: where they are, what they hold, and that they answer under load.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import test from 'node:test';
import { Program, command, eventually, serve, serveWithPage, wrd } from './wrd.mjs';

const NUMBERS = ['status', 'status.json', 'status.css', 'status.js', 'metrics'];

async function serveWithMetrics(t, args = []) {
  const server = await serve(t, ['--metrics', '127.0.0.1:0', ...args]);
  const [, url] = await server.until(/^status (http:\S+\/)status$/m);
  return Object.assign(server, { metrics: url });
}

const statuses = (url, names) => Promise.all(names.map(async (name) => (await fetch(url + name)).status));

test('--metrics serves the numbers and nothing else', async (t) => {
  const server = await serveWithMetrics(t);
  assert.deepEqual(await statuses(server.metrics, [...NUMBERS, 'page.css']), Array(6).fill(200));
  assert.deepEqual(await statuses(server.metrics, ['', 'index.html', 'webrtc-info', 'page.js']), Array(4).fill(404));
  assert.match(await (await fetch(server.metrics)).text(), /The status is at \/status, the metrics at \/metrics/);
});

test('the port of a page on loopback has the numbers, too', async (t) => {
  const server = await serveWithPage(t);
  assert.deepEqual(await statuses(server.url, NUMBERS), Array(5).fill(200));
  const [, status] = await server.until(/^status (\S+)$/m);
  assert.equal(status, `${server.url}status`);
});

test('a page for everyone does not have them, and says where they could be', async (t) => {
  const server = await serveWithPage(t, [], '127.0.0.1:0', '0.0.0.0:0');
  assert.deepEqual(await statuses(server.url, NUMBERS), Array(5).fill(404));
  assert.match(await (await fetch(server.url + 'metrics')).text(), /--metrics IP:PORT/);
  assert.doesNotMatch(server.out, /^status/m);
});

test('with --metrics they are only there', async (t) => {
  const server = await serveWithMetrics(t, ['--http', '127.0.0.1:0']);
  const [, page] = await server.until(/^page (http:\S+)$/m);
  assert.deepEqual(await statuses(page, NUMBERS), Array(5).fill(404));
  assert.deepEqual(await statuses(server.metrics, NUMBERS), Array(5).fill(200));
});

test('a port for metrics that is taken is told before anything is announced', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const at = `127.0.0.1:${taken.address().port}`;
  const { code, out, err } = await command(['serve', '--listen', '127.0.0.1:0', '--metrics', at]);
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.ok(err.includes(`cannot serve metrics at ${at}: another program has this TCP port. Stop it, or choose another with --metrics.`), err);
});

test('the page is what the tree holds, under the strict policy', async (t) => {
  const server = await serveWithMetrics(t);
  for (const [name, type] of [['status', 'text/html'], ['status.css', 'text/css'], ['status.js', 'text/javascript']]) {
    const response = await fetch(server.metrics + name);
    assert.equal(response.headers.get('content-type'), `${type}; charset=utf-8`);
    assert.match(response.headers.get('content-security-policy'), /default-src 'none'/);
    const file = name.includes('.') ? name : `${name}.html`;
    const text = readFileSync(new URL(`../../example/${file}`, import.meta.url), 'utf8');
    assert.equal(await response.text(), text);
    assert.equal(text.match(/(?:src|href|url\(|import\(|from|fetch\()\s*[=(]?\s*['"]?(?:https?:)?\/\/[^'" ]+/g), null, 'loads from elsewhere');
  }
});

test('/status.json counts connections, messages, bytes and round trips', async (t) => {
  const server = await serveWithMetrics(t);
  const ask = async () => (await fetch(server.metrics + 'status.json')).json();
  const before = await ask();
  assert.equal(before.address, server.where);
  assert.deepEqual([before.connections.open, before.messages.in, before.draining], [0, 0, false]);
  const dial = new Program(wrd, ['dial', server.where, server.fingerprint]);
  t.after(() => dial.stop('SIGKILL'));
  await dial.write('one\ntwo\n');
  await dial.until(/two\n/);
  const during = await eventually(ask, ({ messages, rtt }) => messages.out === 2 && rtt.counts.some((count) => count));
  assert.equal(during.connections.open, 1);
  assert.deepEqual([during.handshakes.begun, during.handshakes.opened], [1, 1]);
  assert.deepEqual(during.messages, { in: 2, out: 2 });
  assert.ok(during.bytes.in > 100 && during.bytes.out > 100 && during.datagrams.in > 2);
  assert.ok(during.memory.connections > 0 && during.memory.process > 100_000);
  assert.ok(during.clock > before.clock && during.uptime > before.uptime);
  assert.equal(during.rtt.counts.length, during.rtt.bounds.length + 1);
  assert.ok(during.rtt.counts.reduce((sum, count) => sum + count) > 0, 'a round trip was measured');
  assert.equal(await dial.stop('SIGINT'), 130);
  const { connections } = await eventually(ask, (status) => status.connections.closed === 1);
  assert.deepEqual([connections.open, connections.closed], [0, 1]);
});

test('a handshake that fails is counted as that', async (t) => {
  const server = await serveWithMetrics(t);
  assert.equal((await command(['dial', server.where, 'ab'.repeat(32)])).code, 5);
  const ask = async () => (await fetch(server.metrics + 'status.json')).json();
  const { handshakes } = await eventually(ask, (status) => status.handshakes.failed > 0);
  assert.deepEqual([handshakes.begun, handshakes.opened, handshakes.failed], [1, 0, 1]);
});

test('it answers while the server is busy', async (t) => {
  const server = await serveWithMetrics(t, ['--drain', '1']);
  const noise = Array.from({ length: 4 }, () => new Program('/bin/sh', ['-c', 'yes 0123456789 | "$0" dial "$1" "$2" | wc -c', wrd, server.where, server.fingerprint]));
  for (let i = 0; i < 30; i++) {
    const response = await fetch(server.metrics + (i % 2 ? 'metrics' : 'status.json'), { signal: AbortSignal.timeout(30_000) });
    assert.equal(response.status, 200);
    await response.text();
  }
  await server.stop(); // which ends the clients
  for (const program of noise) await program.ended;
});
