/* SPDX-License-Identifier: MIT */
import { clientTests, describe, examplePageTests, plainPageTests } from './suite.mjs';

describe('firefox: the browser client', () => clientTests('firefox'));
describe('firefox: the page of example/', () => examplePageTests('firefox'));
describe('firefox: pages of others', () => plainPageTests('firefox'));
