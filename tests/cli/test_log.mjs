#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// What wrd serve says of its clients, as sentences and as JSON, and what it keeps to itself.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Program, command, eventually, folder, run, serve, wrd } from './wrd.mjs';

const HOSTILE = 'bye\x1b[31m\u009b\u202e"\n{"event":"open"}';

/** What a busy machine may add to a log: of a client that it let wait, a datagram comes again when it has gone. */
const isLate = /^(?:wrd: dropped \d+ DTLS datagrams |\{.*"event":"dropped","cause":"unknown-path")/;
const linesOf = (server) => server.err.trim().split('\n').filter((line) => line && !isLate.test(line));
const events = (server) => server.err.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));

async function throwAt(port, datagrams) {
  const socket = dgram.createSocket('udp4');
  await Promise.all(datagrams.map((datagram) => new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve))));
  socket.close();
}

test('it is quiet by default', async (t) => {
  for (const args of [[], ['--log', 'json'], ['--log', 'text']]) {
    const server = await serve(t, args);
    await command(['dial', server.where, server.fingerprint], 'x\n');
    await throwAt(server.port, ['garbage']);
    await server.stop();
    assert.equal(server.err, '');
  }
});

test('JSON tells of each client one object a line, with the same id from open to closed', async (t) => {
  const server = await serve(t, ['--verbose', '--log', 'json', '--channels', '1']);
  const before = Date.now();
  const dials = [['--reason', HOSTILE], [], ['--channel', 'chat']].map((args) =>
    command(['dial', ...args, server.where, server.fingerprint], 'one\ntwo\n'));
  for (const { code, err } of await Promise.all(dials)) assert.equal(code, 0, err);
  await server.until(/(?:"event":"closed"[^]*){3}/, 'err');
  await server.stop();
  const told = linesOf(server).map((line) => JSON.parse(line));
  const opens = told.filter(({ event }) => event === 'open');
  assert.equal(new Set(opens.map(({ connection }) => connection)).size, 3, 'ids differ');
  for (const { time, connection, peer } of opens) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(Date.parse(time) - before) < 60_000);
    assert.match(peer, /^127\.0\.0\.1:\d+$/);
    const closed = told.filter((entry) => entry.event === 'closed' && entry.connection === connection);
    assert.equal(closed.length, 1);
    assert.equal(closed[0].peer, peer);
    assert.equal(closed[0].reason, 'closed-by-peer');
    assert.equal(closed[0].code, 0);
    assert.ok(closed[0].duration > 0 && closed[0].duration < 60);
    assert.deepEqual([closed[0].bytes_received, closed[0].messages_received], [6, 2]);
    assert.deepEqual([closed[0].bytes_sent, closed[0].messages_sent], [6, 2]);
  }
  assert.equal(told.find((entry) => entry.event === 'channel-open').label, 'chat');
  const said = told.filter(({ event }) => event === 'closed').map((entry) => entry.said).filter(Boolean);
  assert.deepEqual(said, ['bye?[31m??"?{"event":"open"}']);
  assert.deepEqual([told.at(-1).event, told.at(-1).limit], ['draining', 10], 'the limit without --drain');
});

test('a sentence of text cannot be forged by what a client says', async (t) => {
  const server = await serve(t, ['--verbose']);
  await command(['dial', '--reason', HOSTILE, server.where, server.fingerprint], 'x\n');
  await server.until(/closed: .*\n/, 'err');
  const lines = linesOf(server);
  assert.equal(lines.length, 2, server.err);
  assert.match(lines[0], /^wrd: connection (\S+) open from 127\.0\.0\.1:\d+$/);
  const [, id] = /connection (\S+) /.exec(lines[0]);
  assert.ok(lines[1].startsWith(`wrd: connection ${id} closed: closed by the peer, code 0: bye?[31m??"?{`), lines[1]);
  assert.match(lines[1], /\(\d+\.\d{3} s, 1 bytes in 1 messages\)$/);
});

test('what is dropped is told when it begins, once for each cause', async (t) => {
  for (const json of [false, true]) {
    const server = await serve(t, ['--verbose', ...(json ? ['--log', 'json'] : [])]);
    const since = performance.now();
    for (let i = 0; i < 3; i++) {
      await throwAt(server.port, Array(10).fill('garbage'));
      if (i === 0) await server.until(/dropped/, 'err');
    }
    await new Promise((resolve) => setTimeout(resolve, 2500)); // two more looks, which must stay silent
    await server.stop();
    const most = 1 + Math.floor((performance.now() - since) / 10_000); // and again after 10 s, which a busy machine may take
    const told = json ? events(server).filter(({ event }) => event === 'dropped')
      : [...server.err.matchAll(/^wrd: dropped (\d+) datagrams that are neither STUN nor DTLS in the last (\d+) s$/gm)]
        .map(([, count, seconds]) => ({ cause: 'garbage', count: Number(count), seconds: Number(seconds) }));
    assert.ok(told.length >= 1 && told.length <= most, server.err);
    for (const { cause, count, seconds } of told) {
      assert.equal(cause, 'garbage');
      assert.ok(count >= 1 && count <= 30 && seconds >= 1, server.err);
    }
  }
});

/** Carries datagrams between one client and the server; move() does it from another port on, as a NAT does that forgot. */
async function relay(t, port) {
  const bind = (socket) => new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const front = dgram.createSocket('udp4');
  let client, back;
  const move = async () => {
    const next = dgram.createSocket('udp4');
    await bind(next);
    next.on('message', (datagram) => front.send(datagram, client.port, client.address));
    t.after(() => next.close());
    back = next;
    return back.address().port;
  };
  const first = await move();
  front.on('message', (datagram, from) => {
    client = from;
    back.send(datagram, port, '127.0.0.1');
  });
  await bind(front);
  t.after(() => front.close());
  return { where: `127.0.0.1:${front.address().port}`, first, move };
}

for (const json of [false, true]) {
  test(`a client whose address changes is told of under the same id, and goes on, ${json ? 'JSON' : 'text'}`, async (t) => {
    const server = await serve(t, ['--verbose', ...(json ? ['--log', 'json'] : [])]);
    const road = await relay(t, server.port);
    const dial = new Program(wrd, ['dial', '--wait', '20', road.where, server.fingerprint]);
    t.after(() => dial.stop('SIGKILL'));
    await dial.write('one\n');
    await dial.until(/one\n/);
    const moved = await road.move();
    await dial.write('two\n');
    await dial.until(/two\n/);
    dial.child.stdin.end();
    assert.equal(await dial.ended, 0, dial.err);
    await server.until(/closed/, 'err');
    await server.stop();
    if (json) {
      // What came from the new address before it had proved itself was dropped, which is told, too.
      const told = events(server).filter(({ connection }) => connection !== undefined);
      assert.deepEqual(told.map(({ event, peer }) => [event, peer]),
        [['open', `127.0.0.1:${road.first}`], ['moved', `127.0.0.1:${moved}`], ['closed', `127.0.0.1:${moved}`]]);
      assert.equal(new Set(told.map(({ connection }) => connection)).size, 1);
    } else {
      const id = /connection (\S+) open from 127\.0\.0\.1:(\d+)\n/.exec(server.err)[1];
      assert.ok(server.err.includes(`wrd: connection ${id} moved to 127.0.0.1:${moved}\n`), server.err);
    }
  });
}

test('with threads, every connection still has an id of its own', async (t) => {
  const server = await serve(t, ['--verbose', '--threads', '2', '--log', 'json']);
  const all = await Promise.all(Array.from({ length: 12 }, () => command(['dial', server.where, server.fingerprint], 'x\n')));
  for (const { code, err } of all) assert.equal(code, 0, err);
  await server.until(/(?:"event":"closed"[^]*){12}/, 'err');
  const ids = events(server).filter(({ event }) => event === 'open').map(({ connection }) => connection);
  assert.equal(new Set(ids).size, 12, ids.join(' '));
});

test('more threads than cores is a warning, no more', { skip: availableParallelism() >= 64 && 'too many cores' }, async (t) => {
  const server = await serve(t, ['--threads', '64']);
  await server.until(/^wrd: 64 threads on \d+ cores: more threads than cores make nothing faster\n/, 'err');
  const { out } = await command(['dial', server.where, server.fingerprint], 'x\n');
  assert.equal(out, 'x\n');
});

// ---- a reader that pauses

/** A server that logs, its metrics, and a way to fill the log. Nobody reads stderr. */
async function serveUnread(t, args = []) {
  const server = await serve(t, ['--verbose', '--metrics', '127.0.0.1:0', '--address-handshake-rate', '4000', '--max-per-address', '4000', ...args], '127.0.0.1:0', { unread: 'err' });
  const [, url] = await server.until(/^status (http:\S+\/)status$/m);
  const metric = async (name) => {
    const [, value] = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'm').exec(await (await fetch(`${url}metrics`)).text());
    return Number(value);
  };
  let came = 0;
  /** Waits until nobody is connected or about to be; who vanished is lost after 30 s. */
  const allGone = async () => {
    const here = async () => await metric('wrd_connections\\{state="open"\\}') + await metric('wrd_connections\\{state="opening"\\}');
    assert.equal(await eventually(here, (count) => count === 0, 90_000), 0);
  };
  const crowd = async () => {
    const { code, err } = await command(['bench', server.where, server.fingerprint, 'connects', '--clients', '500', '--at-once', '16']);
    assert.ok([0, 3].includes(code), err); // 3: not all of them came within the time that a bench gives
    if (code === 0) came += 500 + 20 + 1; // those one at a time, and one to see that the server is there
  };
  const fill = async () => {
    for (let rounds = 0; rounds < 30 && (await metric('wrd_log_lines_dropped_total')) === 0; rounds++) await crowd();
    assert.ok((await metric('wrd_log_lines_dropped_total')) > 0);
    await allGone();
  };
  return Object.assign(server, { metric, fill, allGone, came: () => came });
}

for (const json of [false, true]) {
  test(`a log that nobody reads stops nobody, and what it lost is counted and told, ${json ? 'JSON' : 'text'}`, async (t) => {
    const server = await serveUnread(t, ['--threads', '2', ...(json ? ['--log', 'json'] : [])]);
    await server.fill();
    const { code, err } = await command(['dial', server.where, server.fingerprint], 'x\n');
    assert.equal(code, 0, err);
    const ended = () => server.metric('wrd_connections_closed_total');
    await eventually(ended, (count) => count >= server.came() + 1); // what it tells may be a moment old
    await server.allGone();
    const closed = await ended();
    assert.ok(closed >= server.came() + 1, `${closed}`);
    server.read('err');
    const gap = json ? /"event":"lines-dropped","count":(\d+)/g : /^wrd: (\d+) lines of the log were dropped, for nobody read them$/gm;
    const told = () => [...server.err.matchAll(gap)].reduce((sum, [, count]) => sum + Number(count), 0);
    const dropped = await eventually(() => server.metric('wrd_log_lines_dropped_total'), (count) => count === told());
    assert.equal(told(), dropped);
    assert.equal((await command(['dial', server.where, server.fingerprint], 'x\n')).code, 0);
    assert.equal(await server.stop(), 0);
    const lines = server.err.trim().split('\n');
    const kinds = lines.map((line) => json ? JSON.parse(line).event : /^wrd: (?:connection \S+ (open|closed)\b|\S)/.exec(line)[1]);
    const visits = kinds.filter((kind) => kind === 'open' || kind === 'closed').length;
    assert.ok(visits + dropped >= 2 * (closed + 1), 'no line is missing that was not counted');
    assert.ok(visits <= 2 * (closed + 1));
  });
}

test('a log that nobody reads does not hold up the end', async (t) => {
  const server = await serveUnread(t, ['--log', 'json', '--drain', '60']);
  await server.fill();
  const since = performance.now();
  assert.equal(await server.stop(), 0);
  assert.ok(performance.now() - since < 30_000, 'it waited for a reader');
});

test('what is logged before the end is written, when it is read in time', async (t) => {
  const server = await serveUnread(t, ['--log', 'json']);
  assert.equal((await command(['dial', server.where, server.fingerprint], 'x\n')).code, 0);
  server.child.kill('SIGTERM');
  server.read('err');
  assert.equal(await server.ended, 0);
  await server.until(/draining/, 'err').catch(() => {});
  const told = linesOf(server).map((line) => JSON.parse(line).event);
  assert.deepEqual(told.sort(), ['closed', 'draining', 'open']); // the signal may overtake the client's goodbye
});

test('a log whose reader has gone is counted as lost', async (t) => {
  const server = await serveUnread(t);
  server.child.stderr.destroy();
  for (let i = 0; i < 2; i++) assert.equal((await command(['dial', server.where, server.fingerprint], 'x\n')).code, 0);
  const lost = await eventually(() => server.metric('wrd_log_lines_dropped_total'), (count) => count >= 4);
  assert.ok(lost === 4 || lost === 5, `${lost}`); // with one that isLate
  assert.equal(await server.stop(), 0);
});

for (const closed of ['2>&-', '0<&- 2>&-']) {
  test(`a log that is closed from the start, ${closed}, goes nowhere else`, async (t) => {
    const [capture, keys] = ['capture', 'keys'].map((name) => path.join(folder(t), name));
    const server = new Program('/bin/sh', ['-c', `exec "$@" ${closed}`, 'sh', wrd, 'serve', '--listen', '127.0.0.1:0', '--verbose', '--capture', capture, '--key-log', keys]);
    t.after(() => server.stop('SIGKILL'));
    const [, where, fingerprint] = await server.until(/^listening (\S+) ([0-9a-f]{64}) /);
    assert.equal((await command(['dial', where, fingerprint], 'x\n')).code, 0);
    assert.equal(await server.stop(), 0);
    for (const file of [capture, keys]) assert.doesNotMatch(readFileSync(file, 'latin1'), /wrd: /, file);
    assert.match(readFileSync(keys, 'latin1'), /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n$/i);
  });
}

test('an address that cannot be printed is a failure: 1', async (t) => {
  const server = new Program('/bin/sh', ['-c', 'exec "$@" >&-', 'sh', wrd, 'serve', '--listen', '127.0.0.1:0']);
  t.after(() => server.stop('SIGKILL'));
  assert.equal(await server.ended, 1);
  assert.equal(server.err, 'wrd: cannot print the address: Bad file descriptor\n');
});

test('a log on a disk that is full for a while has no torn line but the one that no longer fitted', async (t) => {
  const file = path.join(folder(t), 'log');
  const server = new Program('/bin/sh', ['-c', 'exec "$@" 2>"$0"', file, 'prlimit', '--fsize=1000:unlimited', wrd, 'serve',
    '--listen', '127.0.0.1:0', '--verbose', '--log', 'json', '--metrics', '127.0.0.1:0']);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint] = await server.until(/^listening (\S+) ([0-9a-f]{64}) /);
  const [, url] = await server.until(/^status (http:\S+\/)status$/m);
  const dropped = async () => Number(/^wrd_log_lines_dropped_total (\d+)$/m.exec(await (await fetch(`${url}metrics`)).text())[1]);
  const visit = async () => assert.equal((await command(['dial', where, fingerprint], 'x\n')).code, 0);
  for (let i = 0; i < 20 && (await dropped()) === 0; i++) await visit();
  assert.ok((await dropped()) > 0);
  assert.equal((await run('prlimit', ['--pid', String(server.child.pid), '--fsize=unlimited'])).code, 0);
  await visit();
  await eventually(() => readFileSync(file, 'utf8'), (text) => text.includes('"lines-dropped"')); // behind it nothing is lost
  assert.equal(await server.stop(), 0);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const torn = lines.filter((line) => line.at(-1) !== '}');
  assert.ok(torn.length <= 1, torn.join('\n'));
  const told = lines.filter((line) => !torn.includes(line)).map((line) => JSON.parse(line).event);
  assert.ok(told.includes('lines-dropped'));
  assert.ok(told.lastIndexOf('draining') > told.lastIndexOf('lines-dropped'), told.join(' '));
});

test('what is no text in the words of a line does not spoil its JSON', async (t) => {
  const server = new Program('/bin/sh', ['-c', 'exec "$@" --key "/no/$(printf "\\377\\033[31m")"', 'sh', wrd, 'serve', '--listen', '127.0.0.1:0', '--log', 'json']);
  server.child.stderr.setEncoding('latin1');
  t.after(() => server.stop('SIGKILL'));
  assert.equal(await server.ended, 1);
  assert.match(JSON.parse(server.err).text, /the key file \/no\/\?\?\[31m:/);
});
