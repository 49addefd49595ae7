/* SPDX-License-Identifier: MIT */
import { clientTests, describe, examplePageTests, plainPageTests, withoutMungingTests } from './suite.mjs';

describe('chromium: the browser client', () => clientTests('chromium'));
describe('chromium: the page of example/', () => examplePageTests('chromium'));
describe('chromium: pages of others', () => plainPageTests('chromium'));
describe('chromium with WebRTC-NoSdpMangleUfrag', () => withoutMungingTests());
