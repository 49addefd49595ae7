/* SPDX-License-Identifier: MIT */
// What holds of further channels in every browser: between our client and a peer connection of the same page, where both
// ends can be looked at, and between our client and our server.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ip4 } from './process.mjs';
import { openRelay } from './relay.mjs';
import { stage } from './suite.mjs';

const kinds = ['text \u{1f44b}', '', [1, 2, 255], []];
const described = [
    ['', {}],
    ['label \u00e9\u2602\u{1f44b}', { protocol: 'protocol \u00e9\u2602' }],
    ['unordered', { ordered: false }],
    ['one try', { ordered: false, maxRetransmits: 0 }],
    ['three tries', { maxRetransmits: 3 }],
    ['a minute', { ordered: false, maxPacketLifeTime: 60_000 }],
    ['urgent', { priority: 'high' }],
    ['x'.repeat(1024), {}],
];
const as = (label, { protocol = '', ordered = true, maxRetransmits = null, maxPacketLifeTime = null }) =>
    ({ label, protocol, ordered, maxRetransmits, maxPacketLifeTime });

// Both places: `dial` gives a page with a connection.
function common(test, dial) {
    test('channels are what their options say, and take text, bytes and nothing', async () => {
        const tab = await dial();
        for (const [label, options] of described) {
            const { is, seen, echoes, stats } = await tab.evaluate((l, o) => channels.describe(l, o), label, options);
            assert.deepEqual(is, { ...as(label, options), negotiated: false });
            if (seen) {
                const { label: _, ...rest } = as(label, options);
                assert.deepEqual(seen, rest);
            }
            assert.deepEqual([echoes, stats], [kinds, [4, 4, 12, 12]], label);
        }
    });

    test('options that cannot be are refused with words', async () => {
        const tab = await dial();
        const refused = await tab.evaluate((list) => channels.refusals(list), [
            ['x', { maxRetransmits: 1, maxPacketLifeTime: 1 }],
            ['x', { maxRetransmits: 65536 }],
            ['x', { negotiated: true }],
            ['x', { id: 5 }],
            ['x', { negotiated: true, id: 0 }],
            ['x', { negotiated: true, id: 1 }],
            ['x', { negotiated: true, id: 65535 }],
            ['x'.repeat(1025), {}],
            ['x', { protocol: '\u20ac'.repeat(342) }],
        ]);
        for (const { name, code, message } of refused)
            assert.deepEqual([name, code], ['DirectError', 'bad-channel'], message);
    });

    test('20 channels at once', async () => {
        const tab = await dial();
        assert.deepEqual(await tab.evaluate(() => channels.many(20, 20)), { right: 400, ids: 20 });
    });

    test('a closed channel gives its id back, 200 times', async () => {
        const tab = await dial();
        const { right, ids } = await tab.evaluate(() => channels.again(200));
        assert.equal(right, 200);
        assert.ok(ids <= 10, `${ids} ids`);
    });

    test('8 MiB each way on 4 channels at once, with a bounded queue', async () => {
        const tab = await dial();
        const { same, most } = await tab.evaluate(() => channels.bulk(4, 8 << 20));
        assert.deepEqual(same, [true, true, true, true]);
        assert.ok(most <= (1 << 20) + 65536, `${most} bytes waited`);
    }, 180_000);

    test('channels that may lose messages lose none on a clean line', async () => {
        const tab = await dial();
        for (const options of [{ ordered: false, maxRetransmits: 0 }, { maxRetransmits: 2 }, { ordered: false, maxPacketLifeTime: 60_000 }]) {
            // A side that stands still for a while loses what may be lost on any line: the most of a few tries.
            let most = 0;
            for (let attempt = 0; attempt < 4 && most < 200; attempt++)
                most = Math.max(most, await tab.evaluate((o) => channels.loose(o, 200), options));
            assert.equal(most, 200, JSON.stringify(options));
        }
    });

    test('trySend answers false above the high-water mark, and true again below', async () => {
        const tab = await dial();
        const { taken, most, right, free } = await tab.evaluate(() => channels.pressure(1_000_000));
        assert.ok(most >= 1_000_000 && most < 1_050_000, `${most} bytes`);
        assert.deepEqual([right, free], [taken, true]);
    });
}

export function channelPairTests(browserName) {
    const { page } = stage(browserName);
    const test = (name, body, timeout = 60_000) => it(name, { timeout }, body);
    const dial = async (options = {}) => {
        const tab = await page('channels');
        await tab.waitForFunction(() => window.channels);
        await tab.evaluate((o) => channels.connect(undefined, o), options);
        return tab;
    };
    common(test, dial);

    test('the other side opens channels, with its first message', async () => {
        const tab = await dial();
        for (const [label, options] of described) {
            const { first, back, is } = await tab.evaluate((l, o) => channels.accepted(l, o), label, options);
            assert.deepEqual([first, back, is], ['at once', [[7]], as(label, options)]);
        }
    });

    test('of 20 channels that it opens, as many are taken as we said', async () => {
        const tab = await dial({ acceptChannels: 5 });
        const labels = await tab.evaluate(() => channels.acceptedMany(20, 5));
        assert.deepEqual(labels, [0, 1, 2, 3, 4].map((n) => `number ${n}`));
    });

    test('either side closes with code and reason, and nothing before it is lost', async () => {
        const tab = await dial();
        const ends = await tab.evaluate(() => channels.tails(10));
        for (let round = 0; round < 10; round++) {
            assert.deepEqual(ends[2 * round], [1 << 20, true, round + 1, `mine ${round}`]);
            assert.deepEqual(ends[2 * round + 1], [1 << 20, true, 4_000_000_000 + round, `theirs ${round} \u2602`]);
        }
    });

    test('we close the connection with code and reason', async () => {
        const { heard, end, channel } = await (await dial()).evaluate(() => channels.closeConnection(4_294_967_295, 'enough \u2602'));
        assert.deepEqual(heard, [[1, 0, 4_294_967_295, 'enough \u2602']]);
        assert.deepEqual([end.code, end.closeCode, channel.code], ['closed', 0, 'closed']);
    });

    test('the other side closes the connection with code and reason', async () => {
        const { last, end, channel, after } = await (await dial()).evaluate(() => channels.closedByOther(77, 'maintenance \u2602'));
        assert.equal(last, 'last');
        for (const { code, closeCode, message } of [end, channel])
            assert.deepEqual([code, closeCode, message], ['closed', 77, 'maintenance \u2602']);
        assert.deepEqual(after, [null, null, null]);
    });
}

export function channelServerTests(browserName) {
    const { channelServer, page } = stage(browserName);
    const test = (name, body, timeout = 60_000) => it(name, { timeout }, body);
    let server;
    const dial = async (...args) => {
        server = await channelServer(...args);
        const tab = await page('channels');
        await tab.waitForFunction(() => window.channels);
        await tab.evaluate((address) => channels.connect(address), `${server.address} ${server.fingerprint}`);
        return tab;
    };
    common(test, dial);

    test('the server opens channels, with its first message', async () => {
        const tab = await dial();
        for (const [label, { priority, ...options }] of described) {
            const { first, back, is } = await tab.evaluate((l, o) => channels.askedFor(l, o), label, options);
            assert.deepEqual([first, back, is], ['at once', [[7]], as(label, options)]);
        }
    });

    test('an id that the server had is used again, 100 times', async () => {
        const tab = await dial();
        const ids = new Set();
        for (let round = 0; round < 100; round++)
            ids.add((await tab.evaluate((l) => channels.askedFor(l, {}), `round ${round}`)).id);
        assert.ok(ids.size <= 10, `${ids.size} ids`);
    });

    test('a channel above what the server takes is closed by it', async () => {
        const tab = await dial('--accept', '0');
        assert.equal((await tab.evaluate(() => channels.refused())).code, 'closed');
    });

    test('either side closes with code and reason, and nothing before it is lost', async () => {
        const tab = await dial();
        const ends = await tab.evaluate(() => channels.tailsAtServer(10));
        for (let round = 0; round < 10; round++) {
            assert.equal(ends[2 * round], `closed ${round + 1} ${1 << 20}\nmine ${round} \u2602`);
            assert.deepEqual(ends[2 * round + 1], [1 << 19, 4_000_000_000 + round, `theirs ${round} \u2602`]);
        }
    });

    test('the server closes the connection with code and reason', async () => {
        const tab = await dial();
        const { last, end, channel } = await tab.evaluate(() => channels.serverCloses(77, 'maintenance \u2602'));
        assert.equal(last, 'last');
        for (const { code, closeCode, message } of [end, channel])
            assert.deepEqual([code, closeCode, message], ['closed', 77, 'maintenance \u2602']);
    });

    test('we close the connection with code and reason', async () => {
        const tab = await dial();
        const end = await tab.evaluate(() => channels.weClose(4_294_967_295, 'enough \u2602'));
        assert.deepEqual([end.code, end.closeCode], ['closed', 0]);
        const [, code, reason] = await server.line(/^closed (\d+) (.*)$/);
        assert.deepEqual([code, reason], ['4294967295', 'enough \u2602']);
    });
}

// How many round trips from the first datagram to the page's open channel, on a line of 50 ms each way.
function roundTripStage(browserName, options) {
    const { channelServer, page } = stage(browserName, options);
    const measure = async (relayOptions, ...args) => {
        const server = await channelServer(...args);
        const tab = await page('client');
        await tab.waitForFunction(() => window.client);
        const relay = await openRelay(ip4, server, relayOptions);
        try {
            const { id, error, at } = await tab.evaluate((address, given) => client.connect(address, given), relay.address,
                { fingerprint: server.fingerprint, framing: 'raw' });
            assert.equal(error, undefined, `${server.log}\n${relay.text}`);
            const echo = await tab.evaluate((i) => client.echoNoise(i, 200_000, 1), id);
            assert.equal(echo.same, true, relay.text);
            // Firefox refuses a second certificate of the same issuer and serial number, as all of ours are, while it
            // holds the first.
            await tab.evaluate((i) => client.close(i), id);
            return { trips: relay.roundTrips(at), relay };
        } finally {
            await relay.close();
        }
    };
    // A page that is slow to notice that it is open only seems to need more: the least of a few counts.
    const least = async (...given) => {
        let best;
        for (let attempt = 0; attempt < 4 && !(best?.trips <= 3); attempt++) {
            const one = await measure(...given);
            if (!best || one.trips < best.trips)
                best = one;
        }
        return best;
    };
    return { measure, least };
}

export function roundTripTests(browserName) {
    const { measure, least } = roundTripStage(browserName);

    it('4 round trips to an open channel, because both sides begin', { timeout: 120_000 }, async () => {
        const { trips, relay } = await least({});
        assert.equal(trips, 4, relay.text);
    });

    it('3 with fast open', { timeout: 120_000 }, async () => {
        const { trips, relay } = await least({}, '--fast-open');
        assert.equal(trips, 3, relay.text);
    });

    it('fast open whose cookies are lost opens all the same', { timeout: 120_000 }, async () => {
        // The two forms of a cookie, encrypted, in the flight that ends the DTLS handshake; that flight's INIT is shorter.
        const drop = ({ toPage, trip, data }) => toPage && trip === 5 && data[0] === 23 && data.length > 95;
        const dropped = (relay) => relay.log.filter((entry) => entry.dropped).length;
        let trips, relay;
        for (let attempt = 0; attempt < 4 && !(trips <= 6 && dropped(relay) === 2); attempt++) // as above
            ({ trips, relay } = await measure({ drop }, '--fast-open'));
        assert.equal(dropped(relay), 2, relay.text);
        assert.ok(trips >= 4 && trips <= 6, relay.text);
    });
}

// Firefox with the SCTP that it had before: it knows nothing of these cookies.
export function otherSctpTests() {
    const { least } = roundTripStage('firefox', { preferences: { 'media.peerconnection.sctp.use_dcsctp': false } });

    it('fast open that the browser ignores costs nothing: 4 round trips', { timeout: 120_000 }, async () => {
        const { trips, relay } = await least({}, '--fast-open');
        assert.equal(trips, 4, relay.text);
    });
}
