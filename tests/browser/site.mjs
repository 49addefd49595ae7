/* SPDX-License-Identifier: MIT */
// A tiny web server for the test pages and the built client.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const pages = new URL('pages/', import.meta.url);
const built = new URL('../../web/dist/', import.meta.url);
const types = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8' };

// As strict as a careful site would be: the client must need no more than 'wasm-unsafe-eval'.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src data:; require-trusted-types-for 'script'";

const files = new Map([
    ['/client.html', new URL('client.html', pages)],
    ['/client.js', new URL('client.js', pages)],
    ['/plain.html', new URL('plain.html', pages)],
    ['/plain.js', new URL('plain.js', pages)],
    ['/channels.html', new URL('channels.html', pages)],
    ['/channels-page.js', new URL('channels.js', pages)],
    ['/channels.js', new URL('channels.js', built)],
    ['/webrtc-direct.js', process.env.WRD_WEB_CLIENT ?? new URL('webrtc-direct.js', built)],
]);

export async function openSite(host) {
    const server = createServer(async (request, response) => {
        const file = files.get(request.url);
        try {
            if (!file)
                throw new Error('no such page');
            const body = await readFile(file);
            const type = types[/[a-z]+$/.exec(file instanceof URL ? fileURLToPath(file) : file)[0]];
            response.writeHead(200, { 'content-type': type, 'content-security-policy': policy });
            response.end(body);
        } catch (error) {
            response.writeHead(404, { 'content-type': 'text/plain' });
            response.end(`${error.message}\n`);
        }
    });
    await new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, host, resolve);
    });
    const origin = `http://${host}:${server.address().port}`;
    return {
        page: (name) => `${origin}/${name}.html`,
        close: () => new Promise((resolve) => {
            server.closeAllConnections?.();
            server.close(resolve);
        }),
    };
}
