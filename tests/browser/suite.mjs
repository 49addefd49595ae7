/* SPDX-License-Identifier: MIT */
// What holds in every browser. A file that imports this names the browser; each test has servers of its own and a new page.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openBrowser } from './browsers.mjs';
import {
    hasOriginal, ip4, ip6, startChannelServer, startExample, startForeignServer, startOriginalServer, startServer, startServerWithPage,
} from './process.mjs';
import { openSite } from './site.mjs';

const gone = /^(wrd: )?connection \S+ closed: /;
const noticed = 12_000; // within which a goodbye has to arrive; without one it takes 15 s or more
const lost = 80_000; // within which a silent end has to be noticed (the client's own timer runs 15 s from "disconnected")

// Opens the browser and the site around all tests of a describe block; answers what its tests call.
export function stage(browserName, options) {
    let browser, site;
    const started = [], pages = [];

    before(async () => {
        site = await openSite(ip4);
        browser = await openBrowser(browserName, options);
    });
    after(async () => {
        await browser?.close();
        await site?.close();
    });
    afterEach(async () => {
        await Promise.all(pages.splice(0).map((page) => page.close().catch(() => undefined)));
        await Promise.all(started.splice(0).map((program) => program.stop()));
    });

    const keep = (program) => {
        started.push(program);
        return program;
    };
    const stageHands = {
        server: async (...args) => keep(await startServer(...args)),
        channelServer: async (...args) => keep(await startChannelServer(...args)),
        foreignServer: async (...args) => keep(await startForeignServer(...args)),
        originalServer: async () => keep(await startOriginalServer()),
        example: async () => keep(await startExample()),
        serverWithPage: async (...args) => keep(await startServerWithPage(...args)),
        // A test page by its name, or any page by its address.
        async page(name = 'client') {
            const page = await browser.page(name.includes(':') ? name : site.page(name));
            pages.push(page);
            return page;
        },
        // A connection of the page to the server, or a failure that shows both sides.
        async connect(page, server, options = {}) {
            const { id, error, ms } = await page.evaluate((address, given) => client.connect(address, given),
                server.address, { fingerprint: server.fingerprint, ...options });
            if (error) {
                assert.fail(`connect: ${error.code ?? error.name}: ${error.message} after ${Math.round(ms)} ms\n` +
                    `${server.log}\n${page.said.join('\n')}`);
            }
            return id;
        },
        // Why there is no connection.
        async refusal(page, address, options) {
            const { id, error, ms } = await page.evaluate((a, o) => client.connect(a, o), address, options);
            assert.equal(id, undefined, 'a connection was made');
            return { ...error, ms };
        },
        async echoes(page, id, message = 'h\u00e9llo \u{1f44b}') {
            assert.equal(await page.evaluate((i, m) => client.echoText(i, m), id, message), message);
        },
    };
    return stageHands;
}

export function clientTests(browserName, options = {}) {
    const { server, foreignServer, originalServer, page, connect, refusal, echoes } = stage(browserName, options);
    const test = (name, body, timeout = 60_000) => it(name, { timeout }, body);

    test('connects and echoes', async () => {
        const [our, tab] = [await server(), await page()];
        const id = await connect(tab, our);
        await echoes(tab, id);
        await echoes(tab, id, '');
        await echoes(tab, id, 'again');
    });

    test('a message of 1 MB comes back', async () => {
        const [our, tab] = [await server(), await page()];
        const id = await connect(tab, our);
        const echo = await tab.evaluate((i) => client.echoNoise(i, 1_000_000, 1), id);
        assert.deepEqual([echo.same, echo.length], [true, 1_000_000], our.log);
    });

    test('messages of 15 MB come back', async () => {
        const [our, tab] = [await server(), await page()];
        const id = await connect(tab, our);
        for (const seed of [1, 2]) {
            const echo = await tab.evaluate((i, s) => client.echoNoise(i, 15_000_000, s), id, seed);
            assert.deepEqual([echo.same, echo.length], [true, 15_000_000], our.log);
        }
        await echoes(tab, id, 'and a small one');
    }, 180_000);

    test('200 quick messages in flight come back in order', async () => {
        const [our, tab] = [await server(), await page()];
        const id = await connect(tab, our);
        assert.equal(await tab.evaluate((i) => client.echoMany(i, 200), id), 200, our.log);
    });

    test('messages sent at once on open come back', async () => {
        const [our, tab] = [await server(), await page()];
        for (let round = 0; round < 5; round++) {
            const got = await tab.evaluate((address, fingerprint) => client.connectAndSend(address, { fingerprint }, 10),
                our.address, our.fingerprint);
            assert.deepEqual(got, Array.from({ length: 10 }, (_, i) => `early ${i}`), our.log);
        }
    });

    test('closes and connects again', async () => {
        const [our, tab] = [await server(), await page()];
        for (let round = 1; round <= 5; round++) {
            const id = await connect(tab, our);
            await echoes(tab, id, `round ${round}`);
            const { end, rest } = await tab.evaluate((i) => client.close(i), id);
            assert.deepEqual([end.code, rest], ['closed', 'nothing'], end.message);
            await our.line(gone, { count: round, within: noticed });
        }
    });

    test('30 reloads in a row each connect', async () => {
        const [our, tab] = [await server(), await page()];
        for (let round = 0; round < 30; round++) {
            await echoes(tab, await connect(tab, our), `round ${round}`);
            await tab.reload({ waitUntil: 'load' });
        }
        await our.line(gone, { count: 30, within: noticed });
    }, 120_000);

    test('two connections of one page, and two pages, do not disturb each other', async () => {
        const [our, left, right] = [await server(), await page(), await page()];
        const ids = [await connect(left, our), await connect(left, our), await connect(right, our)];
        const tabs = [left, left, right];
        const got = await Promise.all(ids.map((id, n) => tabs[n].evaluate((i, s) => client.echoNoise(i, 2_000_000, s), id, n + 1)));
        assert.deepEqual(got.map(({ same }) => same), [true, true, true], our.log);
    });

    test('raw messages come back as they are', async () => {
        const [our, tab] = [await server('--raw'), await page()];
        const id = await connect(tab, our, { framing: 'raw' });
        await echoes(tab, id);
        await echoes(tab, id, '');
        const echo = await tab.evaluate((i) => client.echoNoise(i, 60_000, 3), id);
        assert.equal(echo.same, true, our.log);
        assert.equal(await tab.evaluate((i) => client.echoMany(i, 200), id), 200, our.log);
    });

    test('IPv6', async () => {
        const [our, tab] = [await server('--listen', `[${ip6}]:0`), await page()];
        await echoes(tab, await connect(tab, our));
    });

    test('a dual-stack server is reached over IPv4 and IPv6', async () => {
        const [our, tab] = [await server('--listen', '[::]:0'), await page()];
        for (const host of [ip4, `[${ip6}]`]) {
            const at = { ...our, address: `${host}:${our.port}`, log: our.log, fingerprint: our.fingerprint };
            await echoes(tab, await connect(tab, at), host);
        }
    });

    test('a wrong fingerprint is told as such, and the right one still connects', async () => {
        const [our, tab] = [await server(), await page()];
        const error = await refusal(tab, our.address, { fingerprint: our.fingerprint.replace(/^./, (d) => (d === '0' ? '1' : '0')) });
        assert.equal(error.code, 'fingerprint-mismatch', `${error.message}\n${our.log}`);
        assert.ok(error.ms < 9_000, `it took ${error.ms} ms`); // 10 s are given by default
        await echoes(tab, await connect(tab, our));
    });

    test('nobody there is told within the given time', async () => {
        const [our, tab] = [await server(), await page()];
        await our.kill('SIGKILL');
        const error = await refusal(tab, our.address, { fingerprint: our.fingerprint, timeout: 1_500 });
        assert.ok(['timeout', 'unreachable'].includes(error.code), `${error.code}: ${error.message}`);
        assert.ok(error.ms < 9_000, `it took ${error.ms} ms`);
    });

    if (browserName === 'firefox') {
        test('loopback, which Firefox refuses, is told as such', async () => {
            const [our, tab] = [await server('--listen', '127.0.0.1:0'), await page()];
            const error = await refusal(tab, our.address, { fingerprint: our.fingerprint, timeout: 3_000 });
            assert.equal(error.code, 'refused-by-browser', error.message);
            assert.ok(error.ms < 9_000, `it took ${error.ms} ms`);
        });
    } else {
        test('loopback, IPv4 and IPv6', async () => {
            const tab = await page();
            for (const host of ['127.0.0.1', '[::1]'])
                await echoes(tab, await connect(tab, await server('--listen', `${host}:0`)), host);
        });
    }

    // 189 characters are the most that our clients take: X:X is then as long as a USERNAME may be (RFC 8489 14.3), and
    // Chromium would send no check with a longer one.
    for (const [what, compat] of [['', undefined], [", with compat 'v1' too", 'v1']]) {
        test(`a token of 93 and one of 189 characters come along${what}`, async () => {
            const [our, tab] = [await server(), await page()];
            for (const token of [`wt1${'5a'.repeat(45)}`, '+'.repeat(189)])
                await echoes(tab, await connect(tab, our, { token, compat }), token);
        });
    }

    test('words that are no address or fingerprint are told as such', async () => {
        const tab = await page();
        const fingerprint = 'ab'.repeat(32);
        assert.equal((await refusal(tab, 'example.com:3478', { fingerprint })).code, 'bad-address');
        assert.equal((await refusal(tab, `${ip4}:65536`, { fingerprint })).code, 'bad-address');
        assert.equal((await refusal(tab, `${ip4}:3478`, { fingerprint: 'xyz' })).code, 'bad-fingerprint');
    });

    test('a server that stops says goodbye', async () => {
        const [our, tab] = [await server(), await page()];
        const id = await connect(tab, our);
        await echoes(tab, id);
        const ending = tab.evaluate((i) => client.end(i), id);
        const started = Date.now();
        assert.equal(await our.kill('SIGTERM'), 'exit code 0', our.log);
        const { end: { code, message }, received, sent } = await ending;
        assert.ok(Date.now() - started < noticed, `it took ${Date.now() - started} ms`);
        assert.deepEqual([code, received, sent], ['closed', 'nothing', 'closed'], message);
    });

    test('a server that is killed is noticed', async () => {
        const [our, tab] = [await server(), await page()];
        const id = await connect(tab, our);
        await echoes(tab, id);
        const ending = tab.evaluate((i) => client.end(i), id);
        await our.kill('SIGKILL');
        const { end: { code, message }, received, sent } = await ending;
        assert.deepEqual([code, received, sent], ['lost', 'lost', 'lost'], message);
    }, lost);

    for (const [how, leave] of [
        ['closed', (tab) => tab.close()],
        ['left for another', (tab) => tab.goto('about:blank')],
    ]) {
        test(`a page that is ${how} is noticed by the server`, async () => {
            const [our, tab] = [await server(), await page()];
            await echoes(tab, await connect(tab, our));
            const started = Date.now();
            await leave(tab);
            await our.line(gone, { within: noticed });
            assert.ok(Date.now() - started < noticed);
        });
    }

    test("compat 'v1' reaches a server that knows only X:X, framed and raw", async () => {
        const [foreign, tab] = [await foreignServer(), await page()];
        await echoes(tab, await connect(tab, foreign, { compat: 'v1' }));
        await echoes(tab, await connect(tab, foreign, { compat: 'v1', framing: 'raw' }));
        const error = await refusal(tab, foreign.address, { fingerprint: foreign.fingerprint, timeout: 1_500 });
        assert.ok(['timeout', 'unreachable'].includes(error.code), `without compat: ${error.code}: ${error.message}`);
    });

    it("compat 'v1' reaches the original server", {
        timeout: 60_000,
        skip: !hasOriginal && 'not built (tests/interop/build-others original)',
    }, async () => {
        const [original, tab] = [await originalServer(), await page()];
        const id = await connect(tab, original, { compat: 'v1' });
        await original.line(/^connection \S+ open from /); // What comes earlier it drops.
        await echoes(tab, id);
        const echo = await tab.evaluate((i) => client.echoNoise(i, 1_000_000, 1), id);
        assert.deepEqual([echo.same, echo.length], [true, 1_000_000], original.log);
    });

    test("compat 'v1' reaches our server too", async () => {
        const [our, tab] = [await server(), await page()];
        await echoes(tab, await connect(tab, our, { compat: 'v1' }));
    });
}

// Pages of other people: nothing of ours but the server.
export function plainPageTests(browserName, options = {}) {
    const { server, foreignServer, page } = stage(browserName, options);
    const test = (name, body) => it(name, { timeout: 60_000 }, body);
    const echo = (tab, at, how) => tab.evaluate((host, port, fingerprint, given) => plain.echo(host, port, fingerprint, given),
        at.host, at.port, at.fingerprint, how);

    test('the foreign server answers a page that munges, and no other', async () => {
        const [foreign, tab] = [await foreignServer(), await page('plain')];
        assert.deepEqual(await echo(tab, foreign, { munge: true, messages: ['one', 'two'] }), { echoes: ['one', 'two'] });
        const unmunged = await echo(tab, foreign, { munge: false, messages: ['one'], timeout: 4_000 });
        assert.match(unmunged.error, /ICE checking/);
        await foreign.line(/^refused .* the two parts of USERNAME differ/);
    });

    for (const [form, how] of [
        ['X:X, as the original munges', { munge: true }],
        ['X:anything', { munge: false }],
        ['libp2p v1', { munge: true, prefix: 'libp2p+webrtc+v1/' }],
        ['libp2p v2', { munge: false, prefix: 'libp2p+webrtc+v2/' }],
    ]) {
        test(`our server answers ${form}`, async () => {
            const [raw, framed, tab] = [await server('--raw'), await server(), await page('plain')];
            assert.deepEqual(await echo(tab, raw, { ...how, messages: ['one', 'two'] }), { echoes: ['one', 'two'] }, raw.log);
            const { echoes, error } = await echo(tab, framed, { ...how, framed: true, messages: ['hello'] });
            assert.equal(error, undefined, framed.log);
            assert.deepEqual(echoes, [{ hex: await tab.evaluate(() => plain.frameHex('hello')) }]);
        });
    }
}

// The page of example/, as a person uses it.
export function examplePageTests(browserName) {
    const { example, serverWithPage, page } = stage(browserName);
    const test = (name, body) => it(name, { timeout: 60_000 }, body);

    // Waits until the page shows `text` there, or fails with what it shows.
    const shows = async (tab, selector, text) => {
        const shown = tab.waitForFunction((s, t) => document.querySelector(s)?.textContent === t, { timeout: 20_000 }, selector, text);
        await shown.catch(async () => assert.fail(
            `no "${text}" at ${selector}; the page says:\n${await tab.evaluate(() => document.body.innerText)}\n${tab.said.join('\n')}`));
    };
    const echoes = async (tab, text) => {
        await tab.type('#text', text);
        await tab.keyboard.press('Enter');
        await shows(tab, '#echoes li:first-child span', text);
    };
    const connects = async (tab) => {
        await tab.click('#connect');
        await shows(tab, '#state', 'Connected');
    };

    test('connects, echoes and disconnects at every address that the server names', async () => {
        const server = await example();
        assert.deepEqual(server.pages.map((url) => new URL(url).hostname), ['127.0.0.1', ip4], server.log);
        for (const url of server.pages) {
            const tab = await page(url);
            await connects(tab);
            await echoes(tab, `hello at ${url}`);
            assert.match(await tab.$eval('#last', (field) => field.textContent), /^\d+(\.\d)? ms$/);
            await tab.click('#megabyte');
            await shows(tab, '#count', '2');
            await tab.click('#connect');
            await shows(tab, '#state', 'Not connected');
            await connects(tab);
            await echoes(tab, 'and again');
            assert.deepEqual(tab.said, []);
        }
    });

    test('fits a phone', async () => {
        const tab = await page((await example()).pages[1]);
        await tab.setViewport({ width: 320, height: 640 });
        await connects(tab);
        await echoes(tab, 'a-long-word-without-a-place-to-break-it-'.repeat(5));
        const wider = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(wider, 0, 'the page scrolls sideways');
    });

    test('says in plain words that the server has gone', async () => {
        const server = await example();
        const tab = await page(server.pages[1]);
        await connects(tab);
        await server.kill('SIGTERM');
        await shows(tab, '#state', 'The server closed the connection');
        await tab.click('#connect');
        await shows(tab, '#state', 'Could not connect');
        assert.match(await tab.$eval('#problem', (field) => field.innerText), /does not answer over HTTP/);
    });

    for (const [what, host, ...options] of [['with frames', ip4], ['with --raw', ip4, '--raw'], ['over IPv6', `[${ip6}]`]]) {
        test(`comes from wrd serve too, ${what}`, async () => {
            const tab = await page((await serverWithPage(host, ...options)).pages[0]);
            await connects(tab);
            await echoes(tab, 'hello');
        });
    }
}

// A browser that no longer allows a page to change its own credentials.
export function withoutMungingTests() {
    const { server, page, connect, echoes } = stage('chromium', { fieldTrials: 'WebRTC-NoSdpMangleUfrag/Enabled/' });

    it('refuses the page that munges', { timeout: 60_000 }, async () => {
        const [our, tab] = [await server('--raw'), await page('plain')];
        const { refused } = await tab.evaluate((host, port, fingerprint) =>
            plain.echo(host, port, fingerprint, { munge: true, messages: ['one'] }), our.host, our.port, our.fingerprint);
        assert.match(refused ?? '(not refused)', /^InvalidModificationError/);
    });

    it('connects our client', { timeout: 60_000 }, async () => {
        const [our, tab] = [await server(), await page()];
        await echoes(tab, await connect(tab, our));
    });
}

export { describe };
