#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// wrd bench: that it measures what it says, and sees every fault. No figure is judged.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Program, command, folder, patiently, pause, run, serve, wrd } from './wrd.mjs';

const QUICK = ['--seconds', '1', '--idle-seconds', '1', '--clients', '40'];
const bench = (server, args) => command(['bench', server.where, server.fingerprint, ...QUICK, ...args]);

/** Runs a bench with its JSON on stdout: the rows by name, and the rest. */
async function figures(server, args) {
  const done = await bench(server, ['--json', '-', ...args]);
  const json = JSON.parse(done.out);
  const rows = new Map(json.rows.map((row) => [row.name, row]));
  assert.equal(rows.size, json.rows.length, 'a name twice');
  for (const row of json.rows) {
    assert.deepEqual(Object.keys(row), ['name', 'value', 'unit']);
    assert.ok(Number.isFinite(row.value) && row.value >= 0, `${row.name}: ${row.value}`);
  }
  assert.equal(json.exit_code, done.code);
  return { ...done, json, rows, code: done.code, err: done.err };
}

/** The same, for longer if a busy machine did nothing of what is named in the second that it had. */
const measured = (server, args, ...names) => patiently((seconds) => figures(server, ['--seconds', `${seconds}`, ...args]),
  ({ rows, code }) => code !== 0 || names.every((name) => rows.get(name)?.value > 0));

const wants = (rows, mode, units) => {
  for (const [what, unit] of Object.entries(units)) {
    assert.equal(rows.get(`${mode}.${what}`)?.unit, unit, `${mode}.${what}`);
  }
};
const nothingElse = (rows, ...modes) => {
  for (const name of rows.keys()) assert.ok(modes.some((mode) => name.startsWith(`${mode}.`)), name);
};

/** A server that makes a fault. */
async function faulty(t, fault) {
  const server = new Program(path.join(process.env.WRD_BUILD ?? 'build', 'tests', 'cli', 'faulty_echo'), [fault]);
  t.after(() => server.stop('SIGKILL'));
  const [, where, fingerprint] = await server.until(/^listening (\S+) ([0-9a-f]{64}) /);
  return Object.assign(server, { where, fingerprint });
}

// ---- what it measures

test('all modes are run and everything is in the table', async (t) => {
  const server = await serve(t, ['--bench']);
  const { code, out, err } = await bench(server, ['--server-pid', `${server.child.pid}`]);
  assert.equal(code, 0, err);
  assert.equal(err, '');
  for (const heading of [/^connects: 40 clients, 64 at once$/m, /^idle: 40 clients for 1 s$/m, /^close: 40 clients$/m,
    /^echo: 100 bytes, 1 client, 1 in flight for each$/m, /^echo: 100 bytes, 4 clients, 64 in flight for each$/m,
    /^bulk to the server: messages of 16384 bytes, 4 clients$/m, /^bulk from the server: /m]) {
    assert.match(out, heading);
  }
  assert.equal(out.match(/messages lost or wrong +0$/gm)?.length, 4);
  assert.match(out, /clients that opened +40$/m);
});

test('connects and idle are measured over the same clients', async (t) => {
  const server = await serve(t, ['--bench']);
  const { code, rows, err } = await figures(server, ['--server-pid', `${server.child.pid}`, 'connects', 'idle']);
  assert.equal(code, 0, err);
  wants(rows, 'connects', { opened: '', failed: '', rate: '1/s', open_p50: 'us', open_p99: 'us', open_max: 'us',
    alone_p50: 'us', alone_max: 'us', server_cpu: 'us', client_cpu: 'us', client_busy: '%' });
  wants(rows, 'idle', { clients: '', lost: '', server_memory: 'B', server_cpu: '%', client_memory: 'B',
    client_cpu: '%' });
  wants(rows, 'close', { unconfirmed: '', server_cpu: 'us' });
  nothingElse(rows, 'connects', 'idle', 'close');
  assert.equal(rows.get('connects.opened').value, 40);
  assert.equal(rows.get('connects.failed').value, 0);
  assert.equal(rows.get('idle.clients').value, 40);
  assert.equal(rows.get('idle.lost').value, 0);
  assert.ok(rows.get('connects.open_p50').value <= rows.get('connects.open_p99').value);
  assert.ok(rows.get('connects.open_p99').value <= rows.get('connects.open_max').value);
});

test('the server sees as many connections as there are clients, and all are closed again', async (t) => {
  const server = await serve(t, ['--bench', '--verbose']);
  const { code, err } = await bench(server, ['connects', '--clients', '25', '--at-once', '3']);
  assert.equal(code, 0, err);
  const all = 25 + 20 + 1; // those one at a time, and one to see that the server is there
  const count = (what) => server.err.match(what)?.length ?? 0;
  await server.until({ exec: () => count(/connection \S+ closed: closed by the peer /g) >= all }, 'err');
  assert.equal(count(/connection \S+ open from /g), all);
  assert.equal(count(/connection \S+ closed: /g), all);
});

for (const raw of [[], ['--raw']]) {
  test(`echoes of every size are measured and checked ${raw.join('')}`, async (t) => {
    const server = await serve(t, raw);
    const names = [1, 70000].flatMap((size) => [1, 8].map((in_flight) => `echo.${size}.3x${in_flight}.rate`));
    const { code, rows, err, json } = await measured(server, [...raw, '--server-pid', `${server.child.pid}`,
      '--size', '1,70000', '--in-flight', '1,8', '--echo-clients', '3', 'echo'], ...names);
    assert.equal(code, 0, err);
    for (const size of [1, 70000]) {
      for (const in_flight of [1, 8]) {
        const mode = `echo.${size}.3x${in_flight}`;
        wants(rows, mode, { failed: '', rate: '1/s', p50: 'us', p99: 'us', p999: 'us', max: 'us', server_cpu: 'us',
          client_cpu: 'us', client_busy: '%' });
        assert.equal(rows.get(`${mode}.failed`).value, 0);
        assert.ok(rows.get(`${mode}.rate`).value > 0);
        assert.ok(rows.get(`${mode}.p50`).value <= rows.get(`${mode}.p99`).value);
        assert.ok(rows.get(`${mode}.p999`).value <= rows.get(`${mode}.max`).value);
      }
    }
    nothingElse(rows, 'echo');
    assert.deepEqual(json.parameters.size, [1, 70000]);
    assert.deepEqual(json.parameters.in_flight, [1, 8]);
    assert.deepEqual(json.parameters.echo_clients, [3]);
    assert.equal(json.parameters.raw, raw.length > 0);
  });
}

for (const raw of [[], ['--raw']]) {
  test(`bulk one way is measured and checked ${raw.join('')}`, async (t) => {
    const server = await serve(t, ['--bench', ...raw]);
    const modes = ['receive.1000', 'receive.65537', 'send.1000', 'send.65537'];
    const { code, rows, err } = await measured(server, [...raw, '--server-pid', `${server.child.pid}`,
      '--bulk-size', '1000,65537', '--bulk-clients', '2', 'receive', 'send'], ...modes.map((mode) => `${mode}.rate`));
    assert.equal(code, 0, err);
    assert.equal(err, '');
    for (const mode of modes) {
      wants(rows, mode, { failed: '', rate: 'B/s', server_cpu: 'ns/B', client_cpu: 'ns/B', client_busy: '%' });
      assert.equal(rows.get(`${mode}.failed`).value, 0);
      assert.ok(rows.get(`${mode}.rate`).value > 0);
    }
    nothingElse(rows, 'receive', 'send');
  });
}

test('a hundred sinks and sources are kept apart', async (t) => {
  const server = await serve(t, ['--bench']);
  const { code, rows, err } = await figures(server, ['--bulk-clients', '100', '--bulk-size', '999', 'receive', 'send']);
  assert.equal(code, 0, err);
  assert.equal(rows.get('receive.999.failed').value, 0);
  assert.equal(rows.get('send.999.failed').value, 0);
});

test('of a server that only echoes bulk is measured both ways, and that is said', async (t) => {
  const server = await serve(t);
  const { code, rows, err } = await measured(server, ['receive', 'send'], 'both.16384.rate');
  assert.equal(code, 0, err);
  assert.match(err, /only echoes: one-way bulk left out/);
  wants(rows, 'both.16384', { failed: '', rate: 'B/s', p50: 'us', client_cpu: 'ns/B' });
  assert.equal(rows.get('both.16384.failed').value, 0);
  nothingElse(rows, 'both');
});

test('a server with --bench is an ordinary echo besides', async (t) => {
  const server = await serve(t, ['--bench', '--channels', '2']);
  const lines = 'one\nwrd-bench\nwrd-bench source 0\nwrd-bench source 1048577\nwrd-bench source x\nwrd-bench sinks\n';
  const { code, out, err } = await command(['dial', server.where, server.fingerprint], lines);
  assert.equal(code, 0, err);
  assert.equal(out, lines);
  const channel = await command(['dial', '--channel', 'x', server.where, server.fingerprint], 'wrd-bench sink\n');
  assert.equal(channel.out, 'wrd-bench sink\n', 'commands are the main channel\'s');
});

test('a sink counts, a source goes on beside it', async (t) => {
  const server = await serve(t, ['--bench']);
  const [source, sink] = await Promise.all(['wrd-bench source 5\n', 'wrd-bench sink\nfour\n\nwrd-bench count\n'].map(async (lines) => {
    const dial = new Program(wrd, ['dial', '--timeout', '60', server.where, server.fingerprint]);
    t.after(() => dial.stop('SIGKILL'));
    await dial.write(lines);
    return dial;
  }));
  const five = /^[^]{5}\n/;
  await source.until(five);
  await sink.until(/\n/);
  assert.equal(sink.out, 'wrd-bench count 2 4\n');
  const before = source.out.length;
  await source.until({ exec: (out) => out.length > before });
});

test('the JSON tells the machine and the parameters, and a file has it, too', async (t) => {
  const server = await serve(t);
  const file = path.join(folder(t), 'bench.json');
  const [, core] = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')); // one that is ours to have
  const { code, out, err } = await bench(server, ['--json', file, '--cpu', core, 'connects']);
  assert.equal(code, 0, err);
  assert.match(out, /^connects: /);
  const json = JSON.parse(readFileSync(file, 'utf8'));
  assert.match(json.version, /^\d+\.\d+\.\d+$/);
  assert.match(json.ended, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(json.machine.cores >= 1);
  assert.equal(typeof json.machine.cpu, 'string');
  assert.match(json.machine.kernel, /^Linux /);
  assert.equal(json.parameters.server, server.where);
  assert.equal(json.parameters.clients, 40);
  assert.equal(json.parameters.cpu, Number(core));
  assert.equal(json.rows.find(({ name }) => name === 'connects.opened').value, 40);
});

test('a client that spins measures the same, and leaves out its own CPU', async (t) => {
  const server = await serve(t, ['--bench']);
  const pid = ['--server-pid', `${server.child.pid}`];
  const rates = ['echo.100.1x1.rate', 'echo.100.4x64.rate', 'receive.16384.rate', 'send.16384.rate'];
  const sleeping = await measured(server, pid, ...rates);
  const spinning = await measured(server, [...pid, '--spin'], ...rates);
  assert.equal(spinning.code, 0, spinning.err);
  assert.equal(spinning.json.parameters.spin, true);
  assert.equal(sleeping.json.parameters.spin, false);
  const own = /\.client_(cpu|busy)$/;
  assert.deepEqual([...spinning.rows.keys()], [...sleeping.rows.keys()].filter((name) => !own.test(name)));
  assert.ok([...sleeping.rows.keys()].some((name) => own.test(name)));
});

test('how it goes is said on stderr when asked for', async (t) => {
  const server = await serve(t);
  const says = /echo of 100 bytes, 4 x 64 in flight: \d+ came back\n/;
  const { code, err } = await patiently((seconds) => bench(server, ['--seconds', `${seconds}`, '--progress', 'echo']), (ended) => says.test(ended.err));
  assert.equal(code, 0);
  assert.match(err, /takes about \d+ s, at most \d+/);
  assert.match(err, says);
});

// ---- faults of the server

/** The figures of one that should fail, for longer if on a busy machine too little came for a fault to be among it. */
const failing = (server, args, expected) => patiently((seconds) => figures(server, ['--seconds', `${seconds}`, ...args]), ({ code }) => code === expected);

describe('faults of the server', { concurrency: 4 }, () => {
  for (const fault of ['changed', 'shorter', 'twice', 'swapped']) {
    test(`an echo that is ${fault} is seen: 7`, async (t) => {
      const server = await faulty(t, fault);
      for (const in_flight of fault === 'swapped' ? ['8'] : ['1', '8']) {
        const { code, rows, err } = await failing(server, ['--in-flight', in_flight, '--echo-clients', '1', 'echo'], 7);
        assert.equal(code, 7, err);
        assert.match(err, /message \d+ of client 1 came back with /);
        assert.ok(rows.get(`echo.100.1x${in_flight}.failed`).value > 0);
      }
    });
  }

  test('an echo that is lost is seen', async (t) => {
    const server = await faulty(t, 'lost');
    const many = await failing(server, ['--in-flight', '8', '--echo-clients', '1', 'echo'], 7);
    assert.equal(many.code, 7, 'the next one comes in its place');
    assert.ok(many.rows.get('echo.100.1x8.failed').value > 0);
    const one = await failing(server, ['--in-flight', '1', '--echo-clients', '1', 'echo'], 8);
    assert.equal(one.code, 8, one.err);
    assert.match(one.err, /1 messages did not come back within \d+ s, though it takes new connections/);
    assert.equal(one.rows.get('echo.100.1x1.failed').value, 1);
  });

  test('a sink that got something else is seen: 7', async (t) => {
    const server = await faulty(t, 'miscounted');
    const { code, rows, err } = await figures(server, ['receive']);
    assert.equal(code, 7, err);
    assert.match(err, /counts other messages than the \d+ \(\d+ bytes\) that one client sent/);
    assert.ok(rows.get('receive.16384.failed').value > 0);
  });

  test('a sink that does not count is measured all the same, and that is said', async (t) => {
    const server = await faulty(t, 'mute');
    const { code, rows, err } = await measured(server, ['receive'], 'receive.16384.rate');
    assert.equal(code, 0, err);
    assert.match(err, /does not count/);
    assert.ok(rows.get('receive.16384.rate').value > 0);
  });

  test('a source that sends nothing, or other lengths, is seen', async (t) => {
    const mute = await faulty(t, 'mute');
    const silent = await figures(mute, ['send']);
    assert.equal(silent.code, 8, silent.err);
    assert.match(silent.err, /sends nothing, though it was asked to/);
    const longer = await faulty(t, 'longer');
    const { code, rows, err } = await figures(longer, ['--bulk-size', '99', 'send']);
    assert.equal(code, 7, err);
    assert.match(err, /messages are 100 bytes long instead of 99/);
    assert.ok(rows.get('send.99.failed').value > 0);
  });

  test('a server that stalls for two seconds is waited for', async (t) => {
    const server = await faulty(t, 'late');
    const { code, rows, err } = await measured(server, ['--in-flight', '1', '--echo-clients', '1', 'echo'], 'echo.100.1x1.rate');
    assert.equal(code, 0, err);
    assert.equal(rows.get('echo.100.1x1.failed').value, 0);
  });

  test('a raw client is told that the server is framed: 7', async (t) => {
    const server = await serve(t);
    const { code, out, err } = await bench(server, ['--raw', 'echo']);
    assert.equal(code, 7, err);
    assert.match(err, /Do both sides agree on --raw\?/);
    assert.equal(out, '');
  });

  // ---- servers that are not there, or not any more

  test('another fingerprint is a mismatch: 5', async (t) => {
    const { where } = await serve(t);
    const { code, out, err } = await bench({ where, fingerprint: 'ab'.repeat(32) }, []);
    assert.equal(code, 5, err);
    assert.match(err, /another certificate/);
    assert.equal(out, '');
  });

  test('a port on which nobody listens is refused: 4', async (t) => {
    const server = await serve(t);
    await server.stop();
    const { code, err } = await bench(server, []);
    assert.equal(code, 4, err);
    assert.match(err, /refuses: nobody listens/);
  });

  test('a port that never answers is a timeout: 3', async (t) => {
    const silent = dgram.createSocket('udp4');
    t.after(() => silent.close());
    await new Promise((resolve) => silent.bind(0, '127.0.0.1', resolve));
    const where = `127.0.0.1:${silent.address().port}`;
    const { code, err } = await bench({ where, fingerprint: 'ab'.repeat(32) }, ['idle']);
    assert.equal(code, 3, err);
    assert.match(err, /no connection to 127\.0\.0\.1:\d+: no answer to .*does the server ask for a token\?/);
  });

  for (const [signal, code, says] of [['SIGTERM', 6, /connections that ended during the \w+: \d+, closed by the peer/],
    ['SIGKILL', 8, /nobody listens on its port any more: it has ended/]]) {
    for (const [mode, started] of [['echo', /[1-9]\d* came back\n/], ['receive', /bulk to the server: [1-9]\d* MB\n/],
      ['send', /bulk from the server: [1-9]\d* MB\n/]]) {
      test(`a server that ends by ${signal} in the middle of ${mode} is told: ${code}`, async (t) => {
        const server = await serve(t, ['--bench']);
        const program = new Program(wrd,
          ['bench', server.where, server.fingerprint, '--seconds', '60', '--progress', mode]);
        await program.until(started, 'err');
        await server.stop(signal);
        assert.equal(await program.ended, code, program.err);
        assert.match(program.err, says);
        assert.match(program.out, /messages lost or wrong +\d+\n/);
      });
    }
  }

  /** A bench that holds `count` idle clients of a server when that ends by `signal`, or has done so already. */
  const idleAtTheEnd = async (t, signal, count, args) => {
    const server = await serve(t, ['--bench']);
    const idle = new Program(wrd, ['bench', server.where, server.fingerprint, '--clients', `${count}`, '--progress', ...args(server)]);
    await idle.until(new RegExp(`${count} idle clients`), 'err').catch(() => {}); // or it is over before that is said
    await server.stop(signal);
    return idle;
  };

  // Of a death it hears when it wants to close them, of a goodbye at once.
  for (const [signal, known, code, says] of [['SIGTERM', 60, 6, /clients that were lost: 40, closed by the peer/],
    ['SIGKILL', undefined, 8, /confirmed the end of no connection, and nobody listens on its port any more: it has ended/]]) {
    test(`a server that ends by ${signal} under idle clients is told: ${code}`, async (t) => {
      const under = async (seconds) => {
        const idle = await idleAtTheEnd(t, signal, 40, () => ['--idle-seconds', `${known ?? seconds}`, 'idle']);
        await idle.ended;
        return idle;
      };
      const program = await patiently(under, ({ code: ended }) => ended !== 0);
      assert.equal(program.code, code, program.err);
      assert.match(program.err, says);
      assert.match(program.out, /clients that were held open +40\n/);
    });
  }

  test('nor is the end of a server overlooked by a bench that is held up itself meanwhile: 8', async (t) => {
    const under = async (seconds) => {
      const idle = await idleAtTheEnd(t, 'SIGKILL', 40, () => ['--idle-seconds', `${seconds}`, 'idle']);
      await sleep(seconds * 1000 + 1000); // it has said goodbye, and waits two seconds for an answer
      await pause(idle).catch(() => {}); // or it has ended
      await sleep(3000);
      idle.child.kill('SIGCONT');
      await idle.ended;
      return idle;
    };
    const program = await patiently(under, ({ code }) => code !== 0);
    assert.equal(program.code, 8, program.err);
  });

  test('the end of the process of --server-pid is told', async (t) => {
    const says = /the process \d+ of --server-pid has ended/;
    const under = async (seconds) => {
      const idle = await idleAtTheEnd(t, 'SIGKILL', 10, (server) =>
        ['--server-pid', `${server.child.pid}`, '--idle-seconds', `${seconds}`, 'idle', 'echo']);
      await idle.ended;
      return idle;
    };
    const program = await patiently(under, ({ err, out }) => says.test(err) && !/^echo/m.test(out));
    assert.notEqual(program.code, 0);
    assert.match(program.err, says);
    assert.doesNotMatch(program.out, /^echo/m);
  });

  test('Ctrl-C ends it with 130, with what was measured', async (t) => {
    const server = await serve(t);
    const file = path.join(folder(t), 'bench.json');
    const program = new Program(wrd,
      ['bench', server.where, server.fingerprint, '--seconds', '60', '--progress', '--json', file, 'echo']);
    await program.until(/[1-9]\d* came back\n/, 'err');
    assert.equal(await program.stop('SIGINT'), 130);
    assert.match(program.out, /messages echoed +\d/);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).exit_code, 130);
  });
});

// ---- this machine's limits

test('too few open files are told before anything is dialed: 1', async (t) => {
  const server = await serve(t, ['--verbose']);
  const limited = ['-c', 'ulimit -n 100 && exec "$@"', 'sh', wrd, 'bench', server.where, server.fingerprint];
  const { code, out, err } = await run('/bin/sh', [...limited, '--clients', '500', 'connects']);
  assert.equal(code, 1, err);
  assert.equal(out, '');
  assert.match(err, /500 clients need as many open files, .* may open 100, which is enough for 68 clients/);
  assert.doesNotMatch(server.err, /open from/);
  const fewer = await run('/bin/sh', [...limited, '--clients', '68', 'connects']);
  assert.equal(fewer.code, 0, `as many as it says: ${fewer.err}`);
  assert.match(fewer.out, /clients that opened +68\n/);
});

test('a soft limit of open files is raised', async (t) => {
  const server = await serve(t);
  const { code, out, err } = await run('/bin/sh',
    ['-c', 'ulimit -Sn 40 && exec "$@"', 'sh', wrd, 'bench', server.where, server.fingerprint, '--clients', '80',
      'connects']);
  assert.equal(code, 0, err);
  assert.match(out, /clients that opened +80\n/);
});

const FINGERPRINT = 'ab'.repeat(32);
const address = ['127.0.0.1:1', FINGERPRINT];
const wrong = [
  [[], /an address is missing/],
  [['127.0.0.1:1'], /is no address: \S/],
  [['3478', FINGERPRINT], /the IP is missing\. Write 127\.0\.0\.1:3478 /],
  [[...address, 'ehco'], /there is no mode ehco; did you mean echo\?/],
  [[...address, 'everything'], /there is no mode everything; expected: connects, idle, /],
  [[`${address.join(' ')}`, 'x'.repeat(40)], /there is no mode x+; expected/],
  [['x'.repeat(5000), FINGERPRINT], /too long/],
  [[...address, '--clients', '0'], /--clients 0: expected a whole number from 1 to /],
  [[...address, '--clients', '-1'], /--clients -1: expected a whole number from 1 to /],
  [[...address, '--clients', '99999999999999999999'], /--clients 9+: expected a whole number/],
  [[...address, '--at-once', '0'], /--at-once 0: expected/],
  [[...address, '--seconds', '0'], /--seconds 0: expected/],
  [[...address, '--seconds', '1.5'], /--seconds 1\.5: expected a whole number/],
  [[...address, '--idle-seconds', '3601'], /--idle-seconds 3601: expected/],
  [[...address, '--size', '0'], /--size 0: expected up to 8 whole numbers from 1 to /],
  [[...address, '--size', '1,,2'], /--size 1,,2: expected/],
  [[...address, '--size', '1,'], /--size 1,: expected/],
  [[...address, '--size', '1,2,3,4,5,6,7,8,9'], /expected up to 8/],
  [[...address, '--size', '16711662'], /expected up to 8 whole numbers from 1 to 16711661/],
  [[...address, '--in-flight', '4097'], /--in-flight 4097: expected/],
  [[...address, '--in-flight', '1,2', '--echo-clients', '1,2,3'], /go in pairs/],
  [[...address, '--bulk-size', '1048577'], /--bulk-size 1048577: expected/],
  [[...address, '--cpu', '1000'], /--cpu 1000: /],
  [[...address, '--server-pid', '4194304'], /--server-pid 4194304: there is no such process/],
];

for (const [args, says] of wrong) {
  test(`wrd bench ${args.slice(-2).join(' ').slice(0, 50)} is answered with what is wrong: 2`, async () => {
    const { code, out, err } = await command(['bench', ...args]);
    assert.match(err, says);
    assert.equal(out, '');
    assert.equal(code, 2);
  });
}

test('a file that cannot be written is told before the run: 1', async (t) => {
  const server = await serve(t, ['--verbose']);
  const { code, err } = await bench(server, ['--json', path.join(folder(t), 'none', 'x.json')]);
  assert.equal(code, 1);
  assert.match(err, /cannot write .*x\.json: No such file/);
  assert.doesNotMatch(server.err, /open from/);
});

test('the help tells every option, mode and exit code', async () => {
  const { code, out } = await command(['bench', '--help']);
  assert.equal(code, 0);
  for (const mode of ['connects', 'idle', 'echo', 'receive', 'send']) {
    assert.match(out, new RegExp(`^  ${mode} +\\S`, 'm'));
  }
  for (const number of [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]) assert.match(out, new RegExp(`^  ${number} +\\S`, 'm'));
  for (const line of out.split('\n')) assert.ok(line.length <= 115, `too wide: ${line}`);
});
