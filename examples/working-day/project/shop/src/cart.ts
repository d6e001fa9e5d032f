export interface Item {
  readonly name: string;
  readonly cents: number;
  readonly quantity: number;
}

export const subtotal = (items: readonly Item[]): number => items.reduce((sum, item) => sum + item.cents, 0);

/** Rounded down, in the customer's disfavour by less than a cent. */
export const discounted = (cents: number, percent: number): number => cents - Math.floor((cents * percent) / 100);

export const freeShipping = (items: readonly Item[]): boolean => subtotal(items) >= 5000;
