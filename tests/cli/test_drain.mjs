#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The end of wrd serve and of the example: clients are told why, and it takes no longer than it may.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Program, client, command, eventually, example, pause, serve, serveWithPage, wrd } from './wrd.mjs';

const SOON_MS = 30_000;
const LATE = ['--drain', '60']; // twice as long

const status = async (server) => (await fetch(server.url + 'status.json')).json();

const isDraining = (server) => eventually(async () => (await status(server)).draining, (draining) => draining);

for (const [threads, signal] of [['1', 'SIGTERM'], ['1', 'SIGINT'], ['1', 'SIGHUP'], ['3', 'SIGTERM']]) {
  test(`${signal} closes every connection with a reason and exits 0, threads: ${threads}`, async (t) => {
    const server = await serve(t, [...LATE, '--verbose', '--threads', threads, '--log', 'json']);
    const clients = await Promise.all(Array.from({ length: 6 }, () => client(t, server)));
    const since = performance.now();
    assert.equal(await server.stop(signal), 0);
    assert.ok(performance.now() - since < SOON_MS);
    for (const dial of clients) {
      assert.equal(await dial.ended, 6, dial.err);
      assert.match(dial.err, /the server gave code 1001: server is shutting down\n/);
    }
    const told = server.err.trim().split('\n').filter((line) => line[0] === '{').map((line) => JSON.parse(line));
    assert.equal(told.filter(({ event, reason }) => event === 'closed' && reason === 'closed-by-us').length, 6);
    const { connections, limit } = told.find(({ event }) => event === 'draining');
    assert.equal(limit, 60);
    assert.ok(connections <= 6);
  });
}

test('a client that hangs holds the end up for --drain seconds, no longer', async (t) => {
  const drain = async () => {
    const server = await serve(t, ['--drain', '1']);
    const dial = await client(t, server);
    await pause(dial);
    const since = performance.now();
    assert.equal(await server.stop(), 0);
    return performance.now() - since;
  };
  const took = await eventually(drain, (ms) => ms < 9000); // 10 s without --drain, always
  assert.ok(took < 9000, `it waited ${took} ms for the client`);
});

test('while it drains, nobody is taken any more, and the status says so', async (t) => {
  const server = await serveWithPage(t, LATE);
  const dial = await client(t, server);
  await pause(dial); // and so the drain lasts
  server.child.kill('SIGTERM');
  assert.ok(await isDraining(server));
  const refused = await eventually(async () => { // within its second one may not get as far as the hello that is refused
    const late = await command(['dial', '--timeout', '1', server.where, server.fingerprint], 'x\n');
    assert.equal(late.code, 3, late.err);
    return Object.fromEntries((await status(server)).dropped.map(({ cause, count }) => [cause, count]));
  }, ({ draining }) => draining > 0);
  assert.ok(refused.draining > 0);
  assert.equal(refused.full, 0, 'a place was free');
  dial.child.kill('SIGCONT');
  assert.equal(await server.ended, 0);
});

for (const [first, second] of [['SIGTERM', 'SIGTERM'], ['SIGINT', 'SIGTERM'], ['SIGTERM', 'SIGINT'], ['SIGHUP', 'SIGTERM']]) {
  test(`a second signal ends it at once, ${first} and then ${second}`, async (t) => {
    const server = await serveWithPage(t, ['--drain', '60']);
    const dial = await client(t, server);
    await pause(dial);
    server.child.kill(first);
    assert.ok(await isDraining(server));
    server.child.kill(second);
    await Promise.race([server.ended, new Promise((resolve) => setTimeout(resolve, SOON_MS))]);
    assert.equal(server.code, second);
  });
}

test('a terminal that closes says so twice, and the end takes its time all the same', async (t) => {
  const server = await serveWithPage(t, ['--drain', '60']);
  const dial = await client(t, server);
  await pause(dial);
  server.child.kill('SIGHUP');
  assert.ok(await isDraining(server));
  server.child.kill('SIGHUP');
  dial.child.kill('SIGCONT');
  assert.equal(await server.ended, 0);
  assert.equal(await dial.ended, 6);
});

test('a terminal that closes ends no server that was started with nohup', async (t) => {
  const server = new Program('nohup', [wrd, 'serve', '--listen', '127.0.0.1:0']);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint] = await server.until(/^listening (\S+) ([0-9a-f]{64}) /);
  server.child.kill('SIGHUP');
  assert.equal((await command(['dial', where, fingerprint], 'x\n')).code, 0);
  assert.equal(await server.stop(), 0);
});

test('the example drains, too', async (t) => {
  const server = new Program(example('server'), ['--listen', '127.0.0.1:0', '--http', '127.0.0.1:0']);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint] = await server.until(/^listening (\S+:\d+) ([0-9a-f]{64})\n/);
  const dial = await client(t, { where, fingerprint });
  assert.equal(await server.stop('SIGINT'), 0);
  assert.equal(await dial.ended, 6);
  assert.match(dial.err, /code 1001: server is shutting down\n/);
});
