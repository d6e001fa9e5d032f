import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { discounted, freeShipping, type Item, subtotal } from '../src/cart.ts';

const items: readonly Item[] = [
  { name: 'lamp', cents: 1999, quantity: 2 },
  { name: 'bulb', cents: 350, quantity: 4 },
];

void test('an empty cart costs nothing', () => equal(subtotal([]), 0));
void test('the subtotal counts quantities', () => equal(subtotal(items), 5398));
void test('shipping is free from 50.00', () => equal(freeShipping(items), true));
void test('a discount is rounded down', () => deepEqual([discounted(999, 10), discounted(1000, 10)], [900, 900]));
void test('no discount changes nothing', () => equal(discounted(1234, 0), 1234));
