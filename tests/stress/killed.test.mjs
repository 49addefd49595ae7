// SPDX-License-Identifier: MIT
// Sudden deaths, of clients and of the server.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { ask, echoServer, eventually, long, pause, program, sanitized, serve, tell } from './stage.mjs';

const count = long ? 1_000 : 150;
const rounds = long ? 6 : 3;
const LOST_MS = 6_000; // longer than a busy machine stands still
const PATIENCE_MS = 60_000;
const SLACK = 512 * 1024; // bytes of heap by which the others' traffic may differ

const folder = mkdtempSync(path.join(tmpdir(), 'wrd-stress-'));
const running = [];
const keep = (started) => (running.push(started), started);
after(async () => {
  await Promise.all(running.map((one) => one.stop('SIGKILL')));
  rmSync(folder, { recursive: true });
});

const allOpen = (crowd) => crowd.until(/^\{"all_open".*\n/m, 'out', PATIENCE_MS);

test('of clients that are killed nothing stays, and the others notice nothing', async () => {
  const server = keep(await echoServer('127.0.0.1:0', '--lost', LOST_MS));
  const others = keep(program('crowd', server.address, count, '--addresses', 10, '--chatter', 500));
  await allOpen(others);
  const after = [];
  for (let round = 1; round <= rounds; round++) {
    const killed = keep(program('crowd', server.address, count, '--addresses', 20, '--chatter', 100));
    await allOpen(killed);
    assert.equal((await ask(server)).connections, 2 * count);
    await killed.stop('SIGKILL');
    const stat = await eventually(async () => {
      const found = await ask(server);
      return found.lost === round * count && found;
    }, PATIENCE_MS, 'all that were killed are lost');
    assert.equal(stat.connections, count);
    after.push(stat.heap);
    tell(`server after round ${round}`, stat);
  }
  // A sanitizer's malloc tells no mallinfo2().
  if (!sanitized) assert.ok(after.at(-1) - after[0] < SLACK, `${after} bytes`);
  const stat = await ask(others);
  tell('the others', stat);
  assert.equal(stat.ended, 0, stat.last_end);
  assert.equal(stat.corrupt, 0);
  const echoed = await ask(others, 'echo', /^\{"all_echoed".*\n/m);
  assert.equal(echoed.open, count);
});

test('a server that is killed and started again has its address, and gets its clients back', async () => {
  const key = path.join(folder, 'server.key');
  const first = keep(await serve('--listen', '127.0.0.1:0', '--key', key));
  const [ip] = first.address.split(' ');
  const crowd = keep(program('crowd', first.address, count, '--addresses', 10, '--lost', LOST_MS, '--chatter', 500, '--again'));
  await allOpen(crowd);
  for (let round = 1; round <= rounds; round++) {
    await running.find((one) => one.address === first.address && one.code === undefined).stop('SIGKILL');
    await pause(round === 1 ? 0 : 1_500); // at once, and after clients had time to see that nobody is there
    const again = keep(await serve('--listen', ip, '--key', key));
    assert.equal(again.address, first.address);
    const stat = await eventually(async () => {
      const found = await ask(crowd);
      return found.opened === (round + 1) * count && found.open === count && found;
    }, PATIENCE_MS, 'all are back');
    tell(`clients after round ${round}`, stat);
    assert.equal(stat.ended, round * count);
  }
  const echoed = await ask(crowd, 'echo', /^\{"all_echoed".*\n/m);
  assert.equal(echoed.corrupt, 0);
});
