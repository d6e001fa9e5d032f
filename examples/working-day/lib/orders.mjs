const COUNTRIES = ['AT', 'BR', 'CA', 'DE', 'ES', 'FR', 'GB', 'IN', 'JP', 'NL', 'PL', 'US'];
const CATEGORIES = ['books', 'garden', 'kitchen', 'music', 'sports', 'tools'];

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
const generator = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
  return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
};

/** Orders of a year as CSV, and what is true of them: the programs of the demo must find the same. */
export const makeOrders = (rows, seed = 7) => {
  const random = generator(seed);
  const pick = (list) => list[Math.floor(random() * random() * list.length)];
  const lines = ['order_id,day,country,category,quantity,unit_price_cents'];
  const revenue = new Map();
  const quantities = new Map();
  for (let id = 1; id <= rows; id += 1) {
    const country = pick(COUNTRIES);
    const category = pick(CATEGORIES);
    const quantity = 1 + Math.floor(random() * 9);
    const price = 99 + Math.floor(random() * 20_000);
    lines.push(`${id},${1 + Math.floor(random() * 365)},${country},${category},${quantity},${price}`);
    revenue.set(country, (revenue.get(country) ?? 0) + quantity * price);
    quantities.set(category, (quantities.get(category) ?? 0) + quantity);
  }
  const byValue = (map) => [...map].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return { csv: `${lines.join('\n')}\n`, revenue: byValue(revenue), quantities: byValue(quantities), line: (id) => lines[id] };
};
