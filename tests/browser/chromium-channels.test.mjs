/* SPDX-License-Identifier: MIT */
import { describe } from 'node:test';
import { channelPairTests, channelServerTests, roundTripTests } from './channels.mjs';

describe('chromium: channels between two ends of one page', () => channelPairTests('chromium'));
describe('chromium: channels with our server', () => channelServerTests('chromium'));
describe('chromium: round trips', () => roundTripTests('chromium'));
