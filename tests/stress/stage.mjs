// SPDX-License-Identifier: MIT
// The programs of these tests, and what the system says about one that runs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Program, wrd } from '../cli/wrd.mjs';

const build = process.env.WRD_BUILD ?? path.dirname(wrd);
export const long = process.env.WRD_STRESS_LONG === '1';
export const program = (name, ...args) => new Program(path.join(build, 'tests', 'stress', name), args.map(String));
/** Whether the programs are built with a sanitizer, which keeps memory that was freed. */
export const sanitized = process.env.WRD_SANITIZED === '1';
export { pause };

/** A program's last word, which is JSON. */
export async function result(running, patience) {
  await Promise.race([running.ended, pause(patience, undefined, { ref: false })]);
  if (running.code === undefined) {
    await running.stop('SIGKILL');
    throw new Error(`still ran after ${patience} ms: ${running.out}${running.err}`);
  }
  assert.equal(running.code, 0, running.err);
  return JSON.parse(running.out.trim().split('\n').at(-1));
}

/** Servers and crowds answer a line with a line of JSON. */
export async function ask(running, what = 'stat', pattern = /^\{.*\}\n/m, patience = 60_000) {
  running.out = '';
  await running.write(`${what}\n`);
  return JSON.parse((await running.until(pattern, 'out', patience))[0]);
}

/** Waits until `look` answers something true, and answers that. */
export async function eventually(look, patience, what) {
  for (const until = Date.now() + patience; ;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > until) throw new Error(`not within ${patience} ms: ${typeof what === 'function' ? what() : what}`);
    await pause(200);
  }
}

/** `wrd serve`, with its address as `address`. */
export async function serve(...args) {
  const server = new Program(wrd, ['serve', ...args]);
  const [, ip, fingerprint] = await server.until(/^listening (\S+) ([0-9a-f]{64}) /m);
  return Object.assign(server, { address: `${ip} ${fingerprint}` });
}

/** The counters of `wrd serve` with --metrics, by name and labels. */
export async function counters(server) {
  const [, url] = await server.until(/^status (http:\S+)status\n/m);
  const text = await (await fetch(`${url}metrics`)).text();
  return Object.fromEntries([...text.matchAll(/^(\w\S*) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

/** The same once `is` holds of them, or 20 s have passed, and the server has taken what was sent to it. */
export async function metrics(server, is = () => true) {
  const until = Date.now() + 20_000;
  for (let before; ;) {
    await pause(150); // those that it tells may be 100 ms old
    const now = await counters(server);
    const received = now['wrd_datagrams_total{direction="in"}'];
    if (received === before && (is(now) || Date.now() > until)) return now;
    before = received;
  }
}

/** The echo server of this folder. */
export async function echoServer(...args) {
  const server = program('echo_server', ...args);
  const [, address] = await server.until(/^listening (.*)\n/m);
  return Object.assign(server, { address });
}

export const ran = (running) => running.code === undefined;

/** Resident memory in KiB. */
export const resident = (running) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${running.child.pid}/status`, 'utf8'))[1]);

/** Seconds of CPU so far. */
export function cpu(running) {
  const stat = readFileSync(`/proc/${running.child.pid}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

/** Shows what was measured, on a line of its own. */
export function tell(what, measured) {
  console.log(`  ${what}: ${typeof measured === 'string' ? measured : JSON.stringify(measured)}`);
}
