/* SPDX-License-Identifier: MIT */
// The status page in every browser: its numbers move when a client talks, and it says when the server goes.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ip4 } from './process.mjs';
import { stage } from './suite.mjs';

export function statusPageTests(browserName) {
    const { server, page, connect, echoes } = stage(browserName);
    const test = (name, body) => it(name, { timeout: 60_000 }, body);

    const open = async () => {
        const our = await server('--metrics', `${ip4}:0`);
        const [, url] = await our.line(/^status (http:\S+)$/);
        return { our, url, tab: await page(url) };
    };
    // Waits until the text at `selector` is like `pattern`, or fails with what the page says. A page behind another paints no
    // frames, so it is asked by time.
    const shows = (tab, selector, pattern) => tab.waitForFunction(
        (s, source) => new RegExp(source).test(document.querySelector(s)?.textContent), { timeout: 20_000, polling: 100 }, selector, pattern.source,
    ).catch(async () => assert.fail(
        `nothing like ${pattern} at ${selector}; the page says:\n${await tab.evaluate(() => document.body.innerText)}\n${tab.said.join('\n')}`));

    test('the numbers move when a client connects, talks and goes', async () => {
        const { our, tab } = await open();
        await shows(tab, '#state', /^Running$/);
        await shows(tab, '#connections', /^0$/);
        await shows(tab, '#no-drops', /was taken/);
        const client = await page();
        const id = await connect(client, our);
        await shows(tab, '#connections', /^1$/);
        await shows(tab, '#handshakes div:nth-child(2) dd', /^1$/);
        let seen = false;
        const looking = (async () => {
            for (const number of ['#messages-in', '#messages-out', '#bytes-in', '#bytes-out'])
                await shows(tab, number, /^(?!0(\.0)?( B)?\/s|–)[\d.]+/);
            await shows(tab, '#rtt-median', /^[≤>] [\d.]+ m?s$/);
        })();
        looking.catch(() => undefined).finally(() => { seen = true; });
        for (let round = 0; round < 40 || !seen; round++) {
            await echoes(client, id, `round ${round}`);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        await looking;
        assert.ok(await tab.$eval('#messages-chart .line.second', (line) => line.getAttribute('d').length > 10), 'a line is drawn');
        assert.ok(await tab.$$eval('#rtt-chart .bar', (bars) => bars.some((bar) => Number(bar.getAttribute('height')) > 1)), 'a bar is drawn');
        await client.close();
        await shows(tab, '#connections', /^0$/);
        await shows(tab, '#messages-in', /^0\/s$/);
        assert.deepEqual(tab.said, []);
    });

    test('fits a phone, and a wide screen', async () => {
        const { tab } = await open();
        await shows(tab, '#state', /^Running$/);
        for (const width of [320, 768, 1920]) {
            await tab.setViewport({ width, height: 640 });
            const wider = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            assert.equal(wider, 0, `the page scrolls sideways at ${width}`);
        }
    });

    test('says that the server has gone', async () => {
        const { our, tab } = await open();
        await shows(tab, '#state', /^Running$/);
        await our.stop();
        await shows(tab, '#state', /^The server does not answer$/);
    });
}
