/* SPDX-License-Identifier: MIT */
// Real browsers, headless, each with a fresh profile and nothing to tell the world.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import puppeteer from 'puppeteer-core';

const programs = {
    chromium: [process.env.WRD_CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'],
    firefox: [process.env.WRD_FIREFOX, 'firefox-esr', 'firefox'],
};

const chromiumArguments = [
    '--no-sandbox', // There is no other user in the namespace, and the only pages are ours.
    '--disable-dev-shm-usage',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-domain-reliability',
    '--disable-sync',
    '--no-default-browser-check',
    '--no-first-run',
    '--no-pings',
];

const firefoxPreferences = {
    'app.normandy.enabled': false,
    'app.update.disabledForTesting': true,
    'browser.region.network.url': '',
    'browser.safebrowsing.malware.enabled': false,
    'browser.safebrowsing.phishing.enabled': false,
    'captivedetect.canonicalURL': '',
    'datareporting.policy.dataSubmissionEnabled': false,
    'extensions.update.enabled': false,
    'media.gmp-manager.updateEnabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'services.settings.server': '',
    'toolkit.telemetry.server': '',
};

// A path, or a name that is looked up as a shell does.
export function findBrowser(name) {
    const folders = (process.env.PATH ?? '').split(delimiter);
    for (const program of programs[name].filter(Boolean)) {
        const places = program.includes('/') ? [program] : folders.map((folder) => join(folder, program));
        const found = places.find((place) => existsSync(place));
        if (found)
            return found;
    }
    throw new Error(`no ${name}: looked for ${programs[name].filter(Boolean).join(', ')} (WRD_${name.toUpperCase()} names another)`);
}

export async function openBrowser(name, { fieldTrials, preferences } = {}) {
    const profile = await mkdtemp(join(tmpdir(), `wrd-${name}-`));
    const trials = fieldTrials ? [`--force-fieldtrials=${fieldTrials}`] : [];
    const browser = await puppeteer.launch({
        browser: name === 'firefox' ? 'firefox' : 'chrome',
        executablePath: findBrowser(name),
        headless: true,
        userDataDir: profile,
        args: name === 'chromium' ? [...chromiumArguments, ...trials] : [],
        extraPrefsFirefox: { ...firefoxPreferences, ...preferences },
        protocolTimeout: 120_000,
    });
    return {
        version: await browser.version(),

        // A page with its console kept, for the words of a failed test.
        async page(url) {
            const page = await browser.newPage();
            const said = [];
            page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
            page.on('pageerror', (error) => said.push(`error: ${error.message}`));
            await page.goto(url, { waitUntil: 'load' });
            return Object.assign(page, { said });
        },

        async close() {
            await browser.close();
            await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
        },
    };
}
