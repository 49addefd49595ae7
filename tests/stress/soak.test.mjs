// SPDX-License-Identifier: MIT
// Minutes of everything at once, for real: clients that come and go, that stay and talk, that are killed, and strangers.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ask, echoServer, long, pause, program, ran, result, tell } from './stage.mjs';

const minutes = Number(process.env.WRD_STRESS_MINUTES ?? (long ? 4 : 0.5));
const count = 300;
const SLACK = 1024 * 1024; // bytes of heap by which the traffic of those who stay may differ
const LOST_MS = 8_000; // longer than a silent client's pause between two consent checks
const SETTLED_MS = 12_000; // that, and the handshake timeout
const kinds = ['half-open', 'checks', 'damaged', 'replay', 'garbage'];

const running = [];
const keep = (started) => (running.push(started), started);
after(() => Promise.all(running.map((one) => one.stop('SIGKILL'))));

test(`in ${minutes} minutes of comings, goings, deaths and floods nobody is lost and memory stays flat`, async () => {
  const server = keep(await echoServer('198.51.100.10:3478', '--lost', LOST_MS));
  const stays = keep(program('crowd', server.address, count, '--chatter', 1_000));
  await stays.until(/^\{"all_open".*\n/m, 'out', 60_000);
  const rounds = Math.max(2, Math.round(minutes * 60_000 / (8_000 + SETTLED_MS)));
  const memory = [];
  let attempts = 0;
  let successes = 0;
  for (let round = 0; round < rounds; round++) {
    const visitors = keep(program('visitors', server.address, 20, 6));
    const killed = keep(program('crowd', server.address, count, '--chatter', 200));
    const flood = keep(program('flood', server.address, kinds[round % kinds.length], 2_000, 5));
    flood.child.stdin.end();
    await pause(4_000);
    await killed.stop('SIGKILL');
    const visits = await result(visitors, 60_000);
    attempts += visits.attempts;
    successes += visits.successes;
    assert.equal(visits.corrupt, 0);
    assert.ok((await result(flood, 60_000)).victim_echoes);
    await pause(SETTLED_MS);
    const stat = await ask(server);
    memory.push(stat.heap);
    tell(`round ${round + 1} of ${rounds}`, { ...stat, visits: visits.successes });
    assert.equal(stat.connections, count);
  }
  const stat = await ask(stays);
  tell('those who stayed', stat);
  assert.equal(stat.ended, 0, stat.last_end);
  assert.equal(stat.corrupt, 0);
  assert.ok(successes >= 0.99 * attempts, `${successes} of ${attempts} visits`);
  assert.ok(memory.at(-1) - memory[0] < SLACK, `${memory} bytes`);
  assert.ok(ran(server));
});
