/* SPDX-License-Identifier: MIT */
import { describe } from 'node:test';
import { statusPageTests } from './status.mjs';

describe('firefox: the status page', () => statusPageTests('firefox'));
