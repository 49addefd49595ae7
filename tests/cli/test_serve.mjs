#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// wrd serve: the ready line, the key file, the page over HTTP, and the end.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Program, command, eventually, folder, run, serve, serveWithPage, wrd } from './wrd.mjs';

test('the ready line is four words: listening, address, fingerprint, multiaddr', async (t) => {
  const server = await serve(t);
  assert.match(server.out, /^listening 127\.0\.0\.1:\d+ [0-9a-f]{64} \/ip4\/127\.0\.0\.1\/udp\/\d+\/webrtc-direct\/certhash\/uEi\S+\n$/);
  assert.ok(server.port > 0);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} ends it with exit code 0`, async (t) => {
    const server = await serveWithPage(t);
    assert.equal(await server.stop(signal), 0);
    assert.equal(server.err, '');
  });
}

test('a missing key file is made, said aloud, and keeps the fingerprint', async (t) => {
  const file = path.join(folder(t), 'server.key');
  const first = await serve(t, ['--key', file]);
  await first.until(/made a new key in /, 'err');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await first.stop();
  const second = await serve(t, ['--key', file]);
  assert.equal(second.fingerprint, first.fingerprint);
  assert.equal(second.err, '');
  assert.equal((await command(['key', 'show', file])).out, first.fingerprint + '\n');
});

test('a key file that others can read stops the start', async (t) => {
  const inside = folder(t);
  const file = path.join(inside, 'server.key');
  await command(['key', 'new', file]);
  await import('node:fs').then(({ chmodSync }) => chmodSync(file, 0o644));
  const { code, out, err } = await command(['serve', '--listen', '127.0.0.1:0', '--key', file]);
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(err, /cannot use the key file/);
});

test('a UDP port that is taken is told, and what to do', async (t) => {
  const server = await serve(t);
  const { code, out, err } = await command(['serve', '--listen', server.where]);
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.ok(err.includes(`cannot listen on ${server.where}: `), err);
});

test('an address that the machine does not have is told', async () => {
  const { code, err } = await command(['serve', '--listen', '192.0.2.1:0']);
  assert.equal(code, 1);
  assert.match(err, /cannot listen on 192\.0\.2\.1:0: \S/);
});

test('a TCP port that is taken is told before anything is announced', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const at = `127.0.0.1:${taken.address().port}`;
  const { code, out, err } = await command(['serve', '--listen', '127.0.0.1:0', '--http', at]);
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.ok(err.includes(`cannot serve pages at ${at}: another program has this TCP port`), err);
});

test('it listens on IPv6, and on both with a wildcard', { skip: !existsSync('/proc/net/if_inet6') && 'no IPv6 here' }, async (t) => {
  const six = await serve(t, [], '[::1]:0');
  assert.match(six.out, /^listening \[::1\]:\d+ [0-9a-f]{64} \/ip6\/::1\/udp\//);
  const both = await serve(t, [], '[::]:0');
  const { code, out, err } = await command(['dial', `127.0.0.1:${both.port}`, both.fingerprint], 'four\n');
  assert.equal(code, 0, err);
  assert.equal(out, 'four\n');
});

test('stdout that nobody reads ends it', async () => {
  const server = new Program('/bin/sh', ['-c', `exec "$0" serve --listen 127.0.0.1:0 >&-`, wrd]);
  assert.equal(await server.ended, 1);
});

test('a log that nobody reads any more does not end it', async (t) => {
  const server = new Program('/bin/sh', ['-c', '"$0" serve --listen 127.0.0.1:0 --verbose 2>&1 >&3 | head -n 1 >&2', wrd],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true });
  t.after(() => process.kill(-server.child.pid, 'SIGKILL'));
  let said = '';
  await new Promise((resolve) => server.child.stdio[3].on('data', (text) => (said += text).includes('\n') && resolve()));
  const [, where, fingerprint] = /^listening (\S+) (\S+)/.exec(said);
  for (let i = 0; i < 3; i++) {
    const { code, out, err } = await command(['dial', where, fingerprint], 'x\n');
    assert.equal(code, 0, err);
    assert.equal(out, 'x\n');
  }
  await server.until(/open from/, 'err');
});

const limited = (files, args = []) => new Program('/bin/sh',
  ['-c', `ulimit -n ${files}; exec "$0" serve --listen 127.0.0.1:0 "$@"`, wrd, ...args]);

for (const args of [[], ['--metrics', '127.0.0.1:0'], ['--http', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--threads', '2']]) {
  test(`with few file descriptors it either serves or says why not, before it announces anything: ${args.join(' ')}`, async (t) => {
    const served = [];
    const lines = ['listening (\\S+) (\\S+).*\n', args.includes('--http') ? 'page .*\n' : '', args.length ? 'status (\\S+)status\n' : ''];
    for (let files = 4; files < 32; files++) {
      const server = limited(files, args);
      t.after(() => server.stop('SIGKILL'));
      const ready = await server.until(new RegExp(`^${lines.join('')}`)).catch(() => null);
      if (ready === null) {
        assert.equal(await server.ended, 1, `${files}: ${server.err}`);
        assert.equal(server.out, '');
        assert.match(server.err, /^(?:wrd: \d+ threads on .*\n)?wrd: cannot \S.*raise the limit \(ulimit -n\)(?: \(Too many open files\))?\n$/);
        assert.deepEqual(served, [], `${files} are too few, and fewer were not`);
        continue;
      }
      served.push(files);
      const [, where, fingerprint, url] = ready;
      assert.equal((await command(['dial', where, fingerprint], 'x\n')).out, 'x\n', `${files}: ${server.err}`);
      if (url !== undefined) assert.equal((await fetch(`${url}metrics`)).status, 200, `${files}`);
      assert.equal(await server.stop(), 0);
      if (served.length > 2) break;
    }
    assert.equal(served.length, 3);
  });
}

const knock = (url, localAddress) => {
  const { hostname: host, port } = new URL(url);
  return net.connect({ host, port, localAddress }).on('error', () => {});
};

test('the port of the metrics never takes all descriptors: it says how many connections it can have, refuses and counts others', async (t) => {
  const server = limited(24, ['--metrics', '127.0.0.1:0']);
  t.after(() => server.stop('SIGKILL'));
  const [, url] = await server.until(/^status (\S+)status$/m);
  const [, most] = await server.until(/^wrd: the metrics can have (\d+) connections at once; for more, raise the limit of open files \(ulimit -n\)\n/, 'err');
  const guests = Array.from({ length: 18 }, (_, i) => knock(url, `127.0.0.${2 + i % 2}`));
  t.after(() => guests.forEach((socket) => socket.destroy()));
  const open = () => guests.filter((socket) => !socket.closed).length;
  const expected = 2 * Math.ceil(most / 4);
  await eventually(open, (count) => count <= expected);
  const metrics = await (await fetch(`${url}metrics`, { signal: AbortSignal.timeout(10_000) })).text(); // the guests last for fifteen
  assert.equal(Number(/^wrd_http_refused_total (\d+)$/m.exec(metrics)[1]), 18 - expected, 'all came before who asks');
  assert.equal(open(), expected);
  const files = Number(/^process_open_fds (\d+)$/m.exec(metrics)[1]);
  assert.ok(files > 10 && files < 24, `${files} are open`);
  const others = Array.from({ length: 24 }, (_, i) => knock(url, `127.0.0.${4 + i}`));
  t.after(() => others.forEach((socket) => socket.destroy()));
  await server.until(new RegExp(`^wrd: connections to the metrics are refused: there are ${most}, and more cannot be\n$`, 'm'), 'err');
  for (const socket of [...guests, ...others]) socket.destroy();
  const answer = await eventually(() => fetch(`${url}metrics`).catch(() => ({})), ({ status }) => status === 200);
  assert.equal(answer.status, 200, 'places are free again');
});

// ---- the page

test('without --http there is no page', async (t) => {
  const server = await serve(t);
  assert.doesNotMatch(server.out, /page/);
});

const files = [
  ['', 'text/html; charset=utf-8', 'example/index.html'],
  ['index.html', 'text/html; charset=utf-8', 'example/index.html'],
  ['page.css', 'text/css; charset=utf-8', 'example/page.css'],
  ['page.js', 'text/javascript; charset=utf-8', 'example/page.js'],
  ['webrtc-direct.js', 'text/javascript; charset=utf-8', 'web/dist/webrtc-direct.js'],
  ['channels.js', 'text/javascript; charset=utf-8', 'web/dist/channels.js'],
];

test('every file of the page arrives byte for byte, with its type and the security policy', async (t) => {
  const { url } = await serveWithPage(t);
  for (const [name, type, file] of files) {
    const response = await fetch(url + name);
    assert.equal(response.status, 200, name);
    assert.equal(response.headers.get('content-type'), type);
    assert.match(response.headers.get('content-security-policy'), /script-src 'self' 'wasm-unsafe-eval'/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('cache-control'), 'no-cache');
    const expected = readFileSync(new URL(`../../${file}`, import.meta.url));
    assert.ok(expected.equals(Buffer.from(await response.arrayBuffer())), `${name} is not ${file}`);
  }
});

test('the page loads nothing from elsewhere', () => {
  for (const file of ['index.html', 'page.css', 'page.js']) {
    const text = readFileSync(new URL(`../../example/${file}`, import.meta.url), 'utf8');
    const outside = text.match(/(?:src|href|url\(|import\(|from|fetch\()\s*[=(]?\s*['"]?(?:https?:)?\/\/[^'" ]+/g);
    assert.equal(outside, null, file);
  }
});

test('/webrtc-info says what a client needs', async (t) => {
  const server = await serveWithPage(t);
  const response = await fetch(server.url + 'webrtc-info');
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(await response.json(), {
    port: server.port,
    fingerprint: server.fingerprint,
    address: server.where,
    multiaddr: server.multiaddr,
    addresses: ['127.0.0.1'],
    raw: false,
  });
});

test('/webrtc-info of a raw server on all addresses says so, loopback last', async (t) => {
  const server = await serveWithPage(t, ['--raw'], '0.0.0.0:0');
  const info = await (await fetch(server.url + 'webrtc-info')).json();
  assert.equal(info.raw, true);
  assert.equal(info.port, server.port);
  assert.equal(info.addresses.at(-1), '127.0.0.1');
  assert.equal(new Set(info.addresses).size, info.addresses.length);
  assert.equal(info.address, `${info.addresses[0]}:${info.port}`);
});

test('HEAD is GET without the body', async (t) => {
  const { url } = await serveWithPage(t);
  const whole = await fetch(url);
  const head = await fetch(url, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), whole.headers.get('content-length'));
  assert.equal(head.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal((await head.arrayBuffer()).byteLength, 0);
});

test('what is not there is 404 and other methods are 405', async (t) => {
  const { url } = await serveWithPage(t);
  for (const name of ['favicon.ico', 'webrtc-info/', '..%2f..%2fetc/passwd', 'a'.repeat(4000)]) {
    assert.equal((await fetch(url + name)).status, 404, name);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const body = method === 'OPTIONS' || method === 'DELETE' ? undefined : 'x'.repeat(100_000);
    const response = await fetch(url, { method, body }).catch((error) => error);
    if (response instanceof Error) continue; // refused before the body was read
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get('allow'), 'GET, HEAD');
  }
  assert.equal((await fetch(url + '?query=1')).status, 200);
});

test('one connection carries several requests', async (t) => {
  const { url } = await serveWithPage(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ports = new Set();
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve, reject) => {
      http.get(url + 'webrtc-info', { agent }, (response) => {
        ports.add(response.socket.localPort);
        response.resume().on('end', resolve);
      }).on('error', reject);
    });
  }
  assert.equal(ports.size, 1);
});

test('many readers at once and silent ones beside them are served', async (t) => {
  const { url } = await serveWithPage(t);
  const { hostname, port } = new URL(url);
  const silent = Array.from({ length: 20 }, () => net.connect(Number(port), hostname).on('error', () => {}));
  t.after(() => silent.forEach((socket) => socket.destroy()));
  silent[0].write('GET / HT');
  silent[1].write('\x16\x03\x01\x02\x00garbage\r\n\r\n');
  const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(url).then((response) => response.text())));
  assert.equal(new Set(answers).size, 1);
});

test('an address that opens all it can keeps the page from nobody else', async (t) => {
  const server = await serveWithPage(t);
  const { hostname: host, port } = new URL(server.url);
  const idle = Array.from({ length: 600 }, () => net.connect({ host, port, localAddress: '127.0.0.2' }).on('error', () => {}));
  t.after(() => idle.forEach((socket) => socket.destroy()));
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))));
  const answer = await fetch(server.url);
  assert.equal(answer.status, 200);
});

test('addresses that hold every place with a byte now and then keep the page from nobody for long', async (t) => {
  const server = await serveWithPage(t);
  const { hostname: host, port } = new URL(server.url);
  const hold = (i) => net.connect({ host, port, localAddress: `127.0.0.${2 + (i % 4)}` }).on('error', () => {});
  const began = performance.now();
  const slow = Array.from({ length: 512 }, (_, i) => hold(i));
  const trickle = setInterval(() => slow.forEach((socket) => socket.writable && socket.write('X')), 1000);
  t.after(() => (clearInterval(trickle), slow.forEach((socket) => socket.destroy())));
  for (let i = 0; !/ refused: there are 512,/.test(server.err); i++) { // connected is not accepted: the kernel may still keep some
    assert.ok(i < 300, server.err);
    slow.push(hold(i));
    await sleep(100);
  }
  const guests = [];
  const visit = () => new Promise((resolve) => { // which stays in its place
    const agent = new http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    http.get(server.url, { agent, signal: AbortSignal.timeout(2000) }, (answer) => resolve(answer.resume().statusCode))
      .on('socket', (socket) => guests.push(socket)).on('error', () => resolve(0));
  });
  const outside = await visit();
  if (performance.now() - began < 15_000) assert.equal(outside, 0); // until then none of them gives way
  for (let i = 0; i < 6; i++) assert.equal(await eventually(visit, (status) => status === 200), 200); // as old as each is
  const here = () => [...slow, ...guests].filter((socket) => !socket.closed).length;
  assert.ok(await eventually(here, (count) => count <= 512) <= 512, 'each visit has the place of another');
});

/** Clock ticks that the program has used. */
const ticks = ({ child }) => {
  const [, user, system] = /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  return Number(user) + Number(system);
};

test('without a free descriptor, pages wait, the echo goes on, and it is said once', async (t) => {
  const server = await serveWithPage(t, ['--capture', path.join(folder(t), 'capture'), '--metrics', '127.0.0.1:0']);
  const allow = (files) => run('prlimit', ['--pid', String(server.child.pid), `--nofile=${files}:`]);
  const visit = () => new Promise((resolve) => http.get(server.url, { agent: false, signal: AbortSignal.timeout(500) },
    (answer) => resolve(answer.resume().statusCode)).on('error', () => resolve(0)));
  const [, before] = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${server.child.pid}/limits`, 'utf8'));
  assert.equal((await allow(8)).code, 0);
  assert.equal(await visit(), 0);
  assert.equal(await visit(), 0);
  const since = ticks(server);
  const held = net.connect(new URL(server.url).port, '127.0.0.1');
  t.after(() => held.destroy());
  await sleep(1000);
  assert.ok(ticks(server) - since < 30, 'it turns without end');
  await server.until(/ wait: too many files are open/, 'err');
  const { code, out } = await command(['dial', server.where, server.fingerprint], 'x\n');
  assert.deepEqual([code, out], [0, 'x\n']);
  assert.equal((await allow(before)).code, 0);
  assert.equal(await eventually(visit, (status) => status === 200), 200);
  assert.equal((await allow(8)).code, 0);
  assert.equal(await visit(), 0);
  assert.equal(await server.stop(), 0);
  assert.equal(server.err, 'wrd: connections to the pages wait: too many files are open: raise the limit (ulimit -n)\n');
});

test('the echo goes on while pages are served', async (t) => {
  const server = await serveWithPage(t);
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join('');
  const [dialled] = await Promise.all([
    command(['dial', server.where, server.fingerprint], lines),
    ...Array.from({ length: 30 }, () => fetch(server.url).then((response) => response.text())),
  ]);
  assert.equal(dialled.code, 0, dialled.err);
  assert.equal(dialled.out, lines);
});

test('a page server on all addresses names the loopback address first', async (t) => {
  const { url } = await serveWithPage(t, [], '127.0.0.1:0', '0.0.0.0:0');
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  assert.equal((await fetch(url)).status, 200);
});

test('--verbose says who comes and goes', async (t) => {
  const server = await serve(t, ['--verbose']);
  await command(['dial', server.where, server.fingerprint], 'x\n');
  await server.until(/connection \w+ open from 127\.0\.0\.1:\d+\n[^]*connection \w+ closed: \S/, 'err');
});
