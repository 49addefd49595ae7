/* SPDX-License-Identifier: MIT */
import { clientTests, describe, plainPageTests } from './suite.mjs';

describe('firefox: the browser client', () => clientTests('firefox'));
describe('firefox: pages of others', () => plainPageTests('firefox'));
