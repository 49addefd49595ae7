/* SPDX-License-Identifier: MIT */
import { describe } from 'node:test';
import { channelPairTests, channelServerTests, otherSctpTests, roundTripTests } from './channels.mjs';

describe('firefox: channels between two ends of one page', () => channelPairTests('firefox'));
describe('firefox: channels with our server', () => channelServerTests('firefox'));
describe('firefox: round trips', () => roundTripTests('firefox'));
describe('firefox with usrsctp: round trips', () => otherSctpTests());
