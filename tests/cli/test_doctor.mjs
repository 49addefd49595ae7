#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// wrd doctor: each way a connection can fail has its step, its advice and the exit code of wrd dial.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Program, command, eventually, example, folder, patiently, run, serve, wrd } from './wrd.mjs';

const FINGERPRINT = 'ab'.repeat(32);

/** The same twice: for a person, and as JSON, which must agree; again if on a busy machine one lost what the other did not. */
async function doctor(args) {
  const both = () => Promise.all([[], ['--json']].map((form) => command(['doctor', ...form, '--timeout', '30', ...args])));
  const agree = ([text, json]) => json.code === text.code && JSON.parse(json.out).steps.every(({ step, finding }) => new RegExp(`^${finding} +${step} `, 'm').test(text.out));
  const [text, json] = await eventually(both, agree);
  const report = JSON.parse(json.out);
  assert.equal(json.code, text.code, text.out);
  assert.equal(report.code, text.code);
  assert.equal(report.works, text.code === 0);
  assert.equal(text.err, '');
  for (const line of text.out.split('\n')) assert.ok(line.length <= 100, `too wide: ${line}`);
  const steps = Object.fromEntries(report.steps.map((step) => [step.step, step]));
  for (const { step, finding } of report.steps) assert.match(text.out, new RegExp(`^${finding} +${step} `, 'm'));
  if (text.code !== 0) {
    assert.equal(report.steps.at(-1).finding, 'bad', 'the last step is the one that failed');
    assert.equal(report.steps.filter(({ finding }) => finding === 'bad').length, 1);
  }
  return { code: text.code, out: text.out, steps };
}

/** A bound socket; `answer` says what it does with a datagram. */
async function bound(t, answer = () => {}) {
  const socket = dgram.createSocket('udp4');
  t.after(() => socket.close());
  socket.on('message', (datagram, from) => answer(socket, datagram, from));
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return `127.0.0.1:${socket.address().port}`;
}

for (const mode of [[], ['--raw']]) {
  test(`a healthy server is well, to the echo ${mode.join('')}`, async (t) => {
    const server = await serve(t, mode);
    const isWell = ({ steps }) => steps.echo?.finding === 'ok' && steps.path?.finding === 'ok'; // nothing late, nothing sent again
    const { code, out, steps } = await eventually(() => doctor([...mode, server.where, server.fingerprint]), isWell);
    assert.equal(code, 0, out);
    for (const step of ['address', 'route', 'checks', 'dtls', 'sctp', 'echo', 'path']) assert.equal(steps[step]?.finding, 'ok', step);
    assert.match(steps.place.text, /127\.0\.0\.1 is loopback/);
    assert.match(steps.place.advice, /Firefox refuses loopback/);
    assert.match(out, /\nIt works\.\n$/);
  });
}

test('a multiaddr is an address, too', async (t) => {
  const server = await serve(t);
  assert.equal((await doctor([server.multiaddr])).code, 0);
});

test('a server that is no echo is well, and can be spared the message', async (t) => {
  const server = new Program(example('quickstart_channels'), ['127.0.0.1:0']);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint] = await server.until(/^(\S+:\d+) ([0-9a-f]{64})\n/);
  assert.equal((await doctor([where, fingerprint])).code, 0);
  const spared = await doctor(['--no-echo', where, fingerprint]);
  assert.equal(spared.code, 0);
  assert.equal(spared.steps.echo, undefined);
});

test('a closed port: 4', async (t) => {
  const server = await serve(t);
  await server.stop();
  const { code, steps } = await doctor([server.where, server.fingerprint]);
  assert.equal(code, 4);
  assert.match(steps.port.text, /^127\.0\.0\.1 answers that UDP port (\d+) is closed: nobody listens on UDP port \1, or a firewall rejects with the same answer\.$/);
});

test('another fingerprint: 5', async (t) => {
  const server = await serve(t);
  const { code, steps } = await doctor([server.where, FINGERPRINT]);
  assert.equal(code, 5);
  assert.equal(steps.checks.finding, 'ok');
  assert.match(steps.dtls.text, /certificate is not the one/);
  assert.match(steps.dtls.advice, /wrd key show FILE/);
});

test('a black hole: 3, and what can swallow packets', async (t) => {
  const { code, steps } = await doctor(['--timeout', '1', await bound(t), FINGERPRINT]);
  assert.equal(code, 3);
  assert.match(steps.port.text, /Nothing came back .* within 1 s, not even a refusal/);
  assert.match(steps.port.advice, /firewall.*tokens/);
});

test('something else on the port: 3, and that it answers', async (t) => {
  const where = await bound(t, (socket, datagram, { port, address }) => socket.send('HTTP/1.1 400 Bad Request\r\n', port, address));
  const { code, steps } = await patiently((seconds) => doctor(['--timeout', `${seconds}`, where, FINGERPRINT]), (report) => report.steps.checks);
  assert.equal(code, 3);
  assert.match(steps.checks?.text, /answers, but not to a connectivity check/);
});

test('a server that asks for tokens: silence says so, a token lets in, one of another key does not', async (t) => {
  const [right, wrong] = ['right', 'wrong'].map((name) => path.join(folder(t), name));
  for (const file of [right, wrong]) await command(['token', 'new-key', file]);
  const [token, other] = await Promise.all([right, wrong].map(async (file) => (await command(['token', 'mint', file])).out.trim()));
  const server = await serve(t, ['--token-key', right]);
  const dial = (seconds, ...args) => doctor(['--timeout', `${seconds}`, ...args, server.where, server.fingerprint]);
  const without = await dial(1);
  assert.equal(without.code, 3);
  assert.match(without.steps.port.advice, /asks for tokens is silent without one/);
  const good = await dial(30, '--token', token);
  assert.equal(good.code, 0);
  assert.equal(good.steps.token.finding, 'ok');
  assert.match(good.steps.token.text, /^The token is good until \d{4}-\S+Z by this machine's clock/);
  const bad = await dial(1, '--token', other);
  assert.equal(bad.code, 3);
  assert.match(bad.steps.port.advice, /made with a key that it does not have.*wrd token show/);
});

test('a token that has expired is read before anything is sent, and is the first cause of silence', async (t) => {
  const key = path.join(folder(t), 'key');
  await command(['token', 'new-key', key]);
  const token = (await command(['token', 'mint', key, '--expires', '1'])).out.trim();
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const server = await serve(t, ['--token-key', key]);
  const program = new Program(wrd, ['doctor', '--timeout', '60', '--token', token, server.where, server.fingerprint]);
  t.after(() => program.stop('SIGKILL'));
  await program.until(/^note  token +The token expired \d{4}-\S+Z by this machine's clock\.\n +Mint a new one\..*clock/m);
  await program.stop('SIGKILL');
  const { code, steps } = await doctor(['--timeout', '1', '--token', token, server.where, server.fingerprint]);
  assert.equal(code, 3);
  assert.match(steps.port.advice, /^The token has expired, and a server is silent then: mint a new one\./);
  const carefree = await serve(t);
  assert.equal((await doctor(['--token', token, carefree.where, carefree.fingerprint])).code, 0);
  assert.match((await doctor(['--token', 'abc', carefree.where, carefree.fingerprint])).steps.token.text, /none that `wrd token mint` makes/);
});

test('sides that do not agree on --raw: the end is told, and the hint', async (t) => {
  const server = await serve(t);
  const ended = ({ steps }) => steps.echo?.finding === 'bad'; // within the 2 s that it gives an echo
  const { code, steps } = await eventually(() => doctor(['--raw', server.where, server.fingerprint]), ended);
  assert.ok([6, 7].includes(code), String(code));
  assert.match(steps.echo.advice, /--raw/);
});

const places = [
  ['224.0.0.1:1', /multicast/],
  ['255.255.255.255:1', /broadcast/],
  ['[ff02::1]:1', /multicast/],
  ['0.0.0.0:1', /where a server listens/],
  ['[::]:1', /where a server listens|wildcard|IPv6/],
];
for (const [where, says] of places) {
  test(`${where} is no place to dial: 2`, async () => {
    const { code, out, steps } = await doctor([where, FINGERPRINT]);
    assert.equal(code, 2, out);
    assert.match((steps.place ?? steps.address).text, says);
  });
}

test('no address: 2, and what one looks like', async () => {
  for (const args of [['127.0.0.1', FINGERPRINT], ['example.org:1', FINGERPRINT], ['3478', FINGERPRINT], ['127.0.0.1:1', 'abc'], ['a', 'b', 'c']]) {
    const { code, steps } = await doctor(args);
    assert.equal(code, 2);
    assert.match(steps.address.advice, /IP:PORT and 64 hex digits/);
  }
});

const sanitized = process.env.WRD_SANITIZED && 'a sanitizer wants to be loaded first';
test('a machine whose files are all open is not said to lack a network: 1', { skip: sanitized ?? false }, async () => {
  const noFiles = path.resolve(process.env.WRD_BUILD ?? 'build', 'tests/cli/no_files.so');
  assert.ok(existsSync(noFiles));
  const { code, out, err } = await command(['doctor', '127.0.0.1:9', FINGERPRINT], '', { env: { ...process.env, LD_PRELOAD: noFiles } });
  assert.equal(code, 1, err);
  assert.match(out, /^bad +route +This machine gives no socket: too many files are open: raise the limit \(ulimit -n\)\.$/m);
  assert.doesNotMatch(out, /no way|connected to that network/);
});

// In a network of its own that leads nowhere, so that nothing leaves the machine.
const noNetwork = ['--user', '--map-root-user', '--net'];
const skip = spawnSync('unshare', [...noNetwork, 'true']).status !== 0 && 'no network namespace to be had here';

test('each kind of place is said, and a missing route: 1', { skip }, async () => {
  for (const [where, says, finding] of [
    ['10.255.255.254:9', /private/, 'note'], ['172.31.1.1:9', /private/, 'note'], ['192.168.255.254:9', /private/, 'note'],
    ['100.127.1.1:9', /carrier/, 'note'], ['169.254.3.4:9', /link-local/, 'note'], ['[fd00::1]:9', /private/, 'note'],
    ['172.32.1.1:9', /public/, 'ok'], ['100.128.1.1:9', /public/, 'ok'], ['203.0.113.5:9', /public/, 'ok'], ['[2001:db8::1]:9', /public/, 'ok'],
  ]) {
    const { code, out } = await run('unshare', [...noNetwork, wrd, 'doctor', '--json', '--timeout', '1', where, FINGERPRINT]);
    const steps = Object.fromEntries(JSON.parse(out).steps.map((step) => [step.step, step]));
    assert.match(steps.place.text, says, where);
    assert.equal(steps.place.finding, finding, where);
    assert.match(steps.route.text, /^There is no way from here to there: \S/);
    assert.equal(steps.route.finding, 'bad');
    assert.equal(code, 1);
  }
});

/** Runs wrd in such a network after `setup`, a shell's words. */
const apart = (setup, ...args) => run('unshare', [...noNetwork, 'sh', '-ec', `ip link set lo up; ${setup}; exec "$@"`, 'sh', wrd, ...args]);

/** The shell's words for a router in a network of its own, behind which is 203.0.113.0/24, after `setup` there. */
const behindRouter = (setup) => `unshare --net sleep 60 >/dev/null 2>&1 </dev/null & router=$!
  until ! [ /proc/$router/ns/net -ef /proc/self/ns/net ] && nsenter -t $router -n true; do sleep 0.02; done
  ip link add near type veth peer name far netns $router; ip addr add 10.9.0.2/24 dev near; ip link set near up; ip route add default via 10.9.0.1
  nsenter -t $router -n sh -ec "$(cat <<'END'
ip addr add 10.9.0.1/24 dev far; ip link set far up; ip link add net type veth peer name end; ip link set end up; ip addr add 203.0.113.1/24 dev net; ip link set net up
echo 1 >/proc/sys/net/ipv4/ip_forward; ${setup}
END
)"`;

/** The same with doctor and dial: the last step of the one, a bad `step`, and the words of the other, which `says` describes. */
async function bothApart(setup, where, step, says) {
  const both = async (seconds) => {
    const [doctor, dial] = await Promise.all([['doctor', '--json'], ['dial']].map((words) =>
      apart(setup, ...words, '--timeout', `${seconds}`, where, FINGERPRINT)));
    assert.equal(doctor.err, '');
    return { codes: [doctor.code, dial.code], last: JSON.parse(doctor.out).steps.at(-1), said: dial.err };
  };
  const { codes: [code, other], last, said } = await patiently(both, (ended) => ended.last.step === step && says.test(ended.said));
  assert.deepEqual([last.step, last.finding], [step, 'bad']);
  assert.match(said, says);
  assert.equal(other, code, said);
  return { code, last, said };
}

/** Firewalls by the tool that makes them: the shell's words to add a rule for UDP, by family, chain, match and verdict of iptables. */
const inNft = (chain, rest) => `nft add table inet test; nft 'add chain inet test own { type filter hook ${chain.toLowerCase()} priority 0; }'; `
  + `nft 'add rule inet test own ${rest}'`;
const nftKind = (kind) => kind.replace(/^icmp6-adm-/, 'icmpv6 admin-').replace(/^icmp6-/, 'icmpv6 ').replace(/^icmp-/, 'icmp ');
const tools = [
  { name: 'iptables', ...(([ipv4, ipv6]) => ({
    has: { ipv4, ipv6 },
    reject: (family, chain, port, kind) => `${{ ipv4, ipv6 }[family]} -w -A ${chain} -p udp --dport ${port} -j REJECT${kind ? ` --reject-with ${kind}` : ''}`,
    drop: (family, chain) => `${{ ipv4, ipv6 }[family]} -w -A ${chain} -p udp -j DROP`,
  }))([['iptables', 'iptables-legacy'], ['ip6tables', 'ip6tables-legacy']].map((names) =>
    names.find((name) => spawnSync('unshare', [...noNetwork, name, '-w', '-A', 'INPUT', '-p', 'udp', '-j', 'REJECT']).status === 0))) },
  { name: 'nft', ...((has) => ({
    has: { ipv4: has, ipv6: has },
    reject: (family, chain, port, kind) => inNft(chain, `udp dport ${port} reject${kind ? ` with ${nftKind(kind)}` : ''}`),
    drop: (family, chain) => inNft(chain, 'meta l4proto udp drop'),
  }))(spawnSync('unshare', [...noNetwork, 'sh', '-ec', inNft('INPUT', 'udp dport 9 reject')]).status === 0) },
];
const without = (tool, family) => ({ skip: skip || (!tool.has[family] && `no ${tool.name} that filters ${family} in a network namespace here`) });
const places4and6 = { ipv4: '127.0.0.1:9', ipv6: '[::1]:9' };

for (const tool of tools) {
  for (const [family, kinds] of [['ipv4', ['icmp-host-prohibited', 'icmp-net-prohibited', 'icmp-admin-prohibited']], ['ipv6', ['icmp6-adm-prohibited']]]) {
    const where = places4and6[family];
    for (const kind of kinds) {
      test(`a firewall of ${tool.name} that answers ${kind} is named, and who it is: 3`, without(tool, family), async () => {
        const { code, last } = await bothApart(tool.reject(family, 'INPUT', 9, kind), where, 'firewall',
          /no connection to \S+ within \d+ s: a firewall on the way answers that it is prohibited/);
        assert.equal(code, 3);
        assert.ok(last.text.startsWith(`A firewall on the way answers that this is prohibited: it is at ${where.replace(/[[\]]|:9$/g, '')}.`), last.text);
        assert.match(last.advice, /rules must let UDP port 9 through/);
      });
    }
  }

  for (const [family, kinds] of [['ipv4', ['icmp-host-unreachable', 'icmp-net-unreachable']], ['ipv6', ['icmp6-addr-unreachable', 'icmp6-no-route']]]) {
    for (const kind of kinds) {
      test(`${kind} on the way is told, of ${tool.name}: 3`, without(tool, family), async () => {
        const { code, last } = await bothApart(tool.reject(family, 'INPUT', 9, kind), places4and6[family], 'host',
          /within \d+ s: the network answers that the host cannot be reached/);
        assert.equal(code, 3);
        assert.match(last.text, /^(127\.0\.0\.1|::1) answers that the (host|network) cannot be reached: \S/);
        assert.match(last.advice, /Is the address right, and is the host up\?/);
      });
    }
  }

  test(`this machine's own firewall of ${tool.name} is named, with how much it kept: 3`, without(tool, 'ipv4'), async () => {
    const { code, last } = await bothApart(tool.drop('ipv4', 'OUTPUT'), '127.0.0.1:9', 'firewall',
      /within \d+ s: this machine's own firewall forbids sending/);
    assert.equal(code, 3);
    assert.match(last.text, /^This machine's own firewall forbids sending: the kernel refused [1-9]\d* datagrams to 127\.0\.0\.1:9, Operation not permitted\.$/);
    assert.match(last.advice, /outgoing UDP.*nft list ruleset.*iptables -S OUTPUT/);
  });

  for (const family of ['ipv4', 'ipv6']) {
    test(`a firewall of ${tool.name} that rejects as if nobody listened is thought of, ${family}: 4`, without(tool, family), async () => {
      const { code, last } = await bothApart(tool.reject(family, 'INPUT', 9), places4and6[family], 'port', /A firewall that rejects says the same/);
      assert.equal(code, 4);
      assert.match(last.text, /^\S+ answers that UDP port 9 is closed: nobody listens on UDP port 9, or a firewall rejects with the same answer\.$/);
      assert.match(last.advice, /Is the server running, and is the port right\?.*iptables -S INPUT/);
    });
  }

  test(`a router that rejects so is no host on which nobody listens, ${tool.name}: 4`, without(tool, 'ipv4'), async () => {
    const { code, last } = await bothApart(behindRouter(tool.reject('ipv4', 'FORWARD', 9)), '203.0.113.5:9', 'firewall', /refuses/);
    assert.equal(code, 4);
    assert.equal(last.text, '10.9.0.1, which is not that host, answers that UDP port 9 is closed there: a firewall on the way rejects.');
    assert.match(last.advice, /rules must let UDP port 9 through/);
  });
}

test('a route that throws away or forbids is called so, and only a link-local address lacks a zone: 1', { skip }, async () => {
  for (const [setup, where, says] of [
    ['ip route add blackhole 203.0.113.0/24', '203.0.113.5:9', /a route of this machine throws away what goes there \(blackhole\)/],
    ['ip -6 route add blackhole 2001:db8::/32', '[2001:db8::1]:9', /a route of this machine throws away what goes there \(blackhole\)/],
    ['ip route add prohibit 203.0.113.0/24', '203.0.113.5:9', /a route of this machine forbids that address \(prohibit\), or it is a broadcast address/],
    ['true', '[fe80::1]:9', /a link-local address needs its zone, as \[fe80::1%2\]:3478/],
    ['true', '203.0.113.5:9', /there is no (route to that address from this machine|way from here to there): /i],
  ]) {
    const { code, last, said } = await bothApart(setup, where, 'route', says);
    assert.equal(code, 1);
    assert.match(last.text, says);
    for (const text of [last.text, said]) assert.doesNotMatch(text, /Invalid argument/);
    if (!where.startsWith('[fe80')) assert.doesNotMatch(last.text + last.advice + said, /zone/);
  }
});

const original = path.join(process.env.WRD_BUILD ?? path.resolve('build'), 'interop/original-server');
test("a server of the original's is well", { skip: !existsSync(original) && 'not built here: tests/interop/build-others' }, async (t) => {
  const server = new Program(original, ['127.0.0.1:0']);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint] = await server.until(/^listening (\S+:\d+) ([0-9a-f]{64})/m);
  assert.equal((await doctor([where, fingerprint])).code, 0);
});
