// SPDX-License-Identifier: MIT
// Very many clients on one port at once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, cpu, echoServer, long, pause, program, ran, resident, tell } from './stage.mjs';

const count = Number(process.env.WRD_STRESS_CLIENTS ?? (long ? 10_000 : 2_000));
const addresses = 50; // behind one, a server takes 1024
const PER_CLIENT_MAX = 16; // KiB resident, allocator and kernel pages included; bench/ weighs the heap itself

let server;
let crowd;

before(async () => {
  server = await echoServer('127.0.0.1:0');
});

after(async () => {
  await crowd?.stop('SIGKILL');
  await server?.stop();
});

test(`${count} clients are open at once on one port, and each is heard`, async () => {
  const empty = resident(server);
  const { heap } = await ask(server);
  crowd = program('crowd', server.address, count, '--addresses', addresses);
  const open = JSON.parse((await crowd.until(/^\{"all_open".*\n/m, 'out', 180_000))[0]);
  tell('crowd', open);
  assert.equal(open.open, count);
  assert.equal(open.ended, 0, open.last_end);

  const full = resident(server);
  const spent = cpu(server);
  await pause(3_000);
  tell('memory of the server, in KiB: empty, full, per client',
    `${empty}, ${full}, ${((full - empty) / count).toFixed(2)}`);
  tell('share of a core with all of them idle', ((cpu(server) - spent) / 3).toFixed(3));
  assert.ok((full - empty) / count < PER_CLIENT_MAX, `${(full - empty) / count} KiB`);

  const stat = await ask(server);
  tell('heap per client, in bytes', ((stat.heap - heap) / count).toFixed(0));
  assert.equal(stat.connections, count);
  const echoed = await ask(crowd, 'echo', /^\{"all_echoed".*\n/m);
  tell('crowd', echoed);
  assert.equal(echoed.echoed, count);
  assert.equal(echoed.corrupt, 0);
  assert.equal(echoed.ended, 0, echoed.last_end);
  assert.ok(ran(server));
});
