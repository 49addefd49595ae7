/* SPDX-License-Identifier: MIT */
import { describe } from 'node:test';
import { statusPageTests } from './status.mjs';

describe('chromium: the status page', () => statusPageTests('chromium'));
