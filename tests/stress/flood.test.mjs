// SPDX-License-Identifier: MIT
// What strangers may throw at the port, one kind after the other, while clients come and go. tests/stress/forge.h says
// what each kind is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { counters, cpu, eventually, long, metrics, pause, program, ran, resident, result, sanitized, serve, tell } from './stage.mjs';

const ip = '198.51.100.10';
const rate = Number(process.env.WRD_STRESS_RATE ?? (long ? 200_000 : 5_000));
const seconds = Number(process.env.WRD_STRESS_SECONDS ?? (long ? 30 : 6));
const visitsPerSecond = 50;
// Of the rate, what must be reached. The short form is no proof of a rate, only of a flood.
const enough = long ? 0.9 : 0.1;
// The flood goes on until the last of them is through or has given up, so that nobody gets in after it.
const coming = Math.floor(seconds - Math.min(12, seconds * 0.6));
// Rivals come first, while no half-open handshakes of others make the server ask for cookies.
const all = ['rivals', 'checks', 'forged-checks', 'neighbours', 'hellos', 'half-open', 'pieces', 'one-address', 'garbage',
  'damaged', 'replay'];
const answered = ['checks', 'half-open', 'pieces', 'one-address'];

// What the server counts of each kind: the share of what it took that these counters together rise by at least. Above
// its rate of newcomers (src/endpoint/newcomers.c) it puts checks off, and refuses the hellos that follow them. To a server
// that stood still a low rate is a high one, too: all that waited comes at once.
const dropped = (cause) => `wrd_dropped_datagrams_total{cause="${cause}"}`;
const checks = (...outcomes) => [...outcomes, 'put-off'].map((name) => `wrd_checks_total{outcome="${name}"}`);
const into = 'wrd_datagrams_total{direction="in"}';
const cookies = 'wrd_cookies_sent_total';
const begun = 'wrd_handshakes_begun_total';
const refused = ['unknown-path', 'handshake-rate', 'address-handshake-rate', 'address-connections'].map(dropped);
const counted = {
  rivals: [[0.4, cookies], [0.4, ...checks('answered')]],
  checks: [[0.9, ...checks('answered')]],
  'forged-checks': [[0.9, ...checks('invalid')]],
  neighbours: [[0.9, ...checks('answered')]],
  hellos: [[0.9, cookies, dropped('unknown-path')]],
  'half-open': [[0.4, ...checks('answered')], [0.4, cookies, begun, ...refused]],
  pieces: [[0.4, ...checks('answered')], [0.4, dropped('unknown-path'), begun]],
  'one-address': [[0.4, ...checks('answered')], [0.4, cookies, begun, ...refused]],
  garbage: [[0.5, dropped('garbage')]],
  damaged: [[0.3, dropped('unknown-path')], [0.05, dropped('garbage')], [0.01, ...checks('invalid')]],
  replay: [[0.3, dropped('unknown-path')]],
};
// How the server is run: alone, with two loops, on a socket of both families (the floods are of IPv4 all the same), on
// an IPv6 address (and everything comes over IPv6).
const forms = { alone: [ip], threads: [ip, '--threads', '2'], both: ['[::]'], six: ['[2001:db8::10]'] };
const form = process.env.WRD_STRESS_FORM ?? 'alone';
const [listen, ...more] = forms[form];
const kinds = process.env.WRD_STRESS_KINDS?.split(',') ?? all;

const HANDSHAKES_MAX = 1024 * 96; // KiB: max_handshakes by what libssl takes for one
const keeps = sanitized && 'a sanitizer keeps what was freed';
const SLACK = 16 * 1024; // KiB that the memory may differ by from one flood to the next
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** By how much each counter rose. */
const difference = (now, then) => Object.fromEntries(Object.entries(now).map(([name, value]) => [name, value - (then[name] ?? 0)]));

let server;
let cold;
let warm;

const handshakesOver = () => eventually(async () => (await counters(server))['wrd_connections{state="opening"}'] === 0,
  HANDSHAKE_TIMEOUT_MS + 60_000, 'no half-open handshake');

before(async () => {
  server = await serve('--listen', `${listen}:3478`, '--http', `${ip}:8080`, '--metrics', '127.0.0.1:0', ...more);
  await result(program('visitors', server.address, visitsPerSecond, 1), 60_000);
  cold = resident(server);
  // The first handshakes in great number set the level to which the allocator holds on: so many that cookies are asked for.
  const flood = program('flood', server.address, 'half-open', 2_000, 2);
  await eventually(async () => (await counters(server))[cookies] > 0, 30_000, () => `cookies: ${flood.out}${flood.err}`);
  flood.child.stdin.end();
  await result(flood, 60_000);
  await handshakesOver();
  warm = resident(server);
  tell('memory at first, after 2 s of half-open handshakes, in KiB', `${cold}, ${warm}`);
});

after(() => server?.stop());

test('half-open handshakes take no more memory than max_handshakes allows', { skip: keeps }, () => {
  assert.ok(warm - cold < HANDSHAKES_MAX, `${warm - cold} KiB`);
});

for (const kind of kinds) {
  test(`${kind} for ${seconds} s at ${rate}/s`, async (t) => {
    const atFirst = await metrics(server);
    const visitors = program('visitors', server.address, visitsPerSecond, coming);
    const running = program('flood', server.address, kind, rate, seconds);
    let peak = 0;
    const watch = setInterval(() => { if (ran(server)) peak = Math.max(peak, resident(server)); }, 100);
    t.after(() => clearInterval(watch)); // or a failure would be waited for without end
    const visits = await result(visitors, (seconds + 60) * 1000);
    running.child.stdin.end();
    const flood = await result(running, (seconds + 60) * 1000);
    clearInterval(watch);
    const reached = ({ [into]: received, [dropped('receive-buffer')]: lost }) => received + lost >= 0.95 * flood.sent;
    const rose = difference(await metrics(server, (now) => reached(difference(now, atFirst))), atFirst);
    const received = rose[into];
    const lost = rose[dropped('receive-buffer')];
    tell('flood', flood);
    const part = (value, of) => Math.round(value / of * 1000) / 1000;
    tell('of what was sent, and with the visitors\' own', { received, lost_in_receive_buffer: lost,
      received_share: part(received, flood.sent), reached_of_asked: part(flood.reached_rate, rate) });
    tell('visitors', visits);
    tell('memory at most and now, in KiB', `${peak}, ${ran(server) ? resident(server) : 'gone'}`);

    await t.test('the flood was what it says', () => {
      assert.ok(flood.sent > 0 && flood.refused === 0, JSON.stringify(flood));
      if (answered.includes(kind)) assert.ok(flood.answers > 0, 'nothing that it got came back');
      assert.equal(visits.attempts, visitsPerSecond * coming);
    });
    await t.test('it was as dense as asked for', () =>
      assert.ok(flood.reached_rate >= enough * rate, `NOT PROVED at ${rate}/s: this machine could send ${flood.reached_rate}/s. ` +
        'Leave it alone or take a faster one; WRD_STRESS_RATE asks for less'));
    await t.test('it came to the server, or to its full receive buffer', () =>
      assert.ok(reached(rose), `of ${flood.sent} sent ${received} were received, ${lost} lost`));
    await t.test('the server saw what it was', () => {
      for (const [share, ...names] of counted[kind]) {
        const sum = names.reduce((sum, name) => sum + rose[name], 0);
        assert.ok(sum >= share * (flood.sent - lost), `${names}: ${sum}, of ${flood.sent} sent and ${lost} lost`);
      }
    });
    await t.test('the server lives', () => assert.ok(ran(server), server.err));
    await t.test('99 of 100 clients get through', () =>
      assert.ok(visits.successes >= 0.99 * visits.attempts, `${visits.successes} of ${visits.attempts}`));
    await t.test('nothing that they hear is corrupt', () => assert.equal(visits.corrupt, 0));
    await t.test('a client whose datagrams and address the attacker knows goes on', () =>
      assert.ok(flood.victim_echoes, flood.victim_ended));
    await t.test('no forged address gets more than three times what it sent', () => {
      assert.ok(flood.worst_amplification <= 3, `${flood.worst_amplification}`);
      assert.equal(flood.strange_answers, 0);
    });
    await t.test('memory stays flat', { skip: keeps }, () => assert.ok(peak - warm < SLACK, `${warm} to ${peak} KiB`));
  });
}

test('afterwards the server is idle and serves as before', async () => {
  await handshakesOver();
  const spent = cpu(server);
  await pause(2_000);
  const idle = (cpu(server) - spent) / 2;
  tell('share of a core when idle, memory in KiB', `${idle}, ${resident(server)}`);
  assert.ok(idle < 0.5, `${idle} of a core`);
  assert.equal((await fetch(`http://${ip}:8080/webrtc-info`)).status, 200);
  const visits = await result(program('visitors', server.address, visitsPerSecond, 1), 60_000);
  assert.equal(visits.successes, visits.attempts);
  if (!keeps) assert.ok(resident(server) - warm < SLACK, `${warm} to ${resident(server)} KiB`);
});
