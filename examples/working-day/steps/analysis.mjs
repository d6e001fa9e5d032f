const CODE = `
import csv, json, statistics
from collections import Counter

revenue, quantities, totals = Counter(), Counter(), []
with open("orders.csv", newline="") as file:
    for row in csv.DictReader(file):
        cents = int(row["quantity"]) * int(row["unit_price_cents"])
        revenue[row["country"]] += cents
        quantities[row["category"]] += int(row["quantity"])
        totals.append(cents)

print(json.dumps({
    "rows": len(totals),
    "median_order_cents": statistics.median(totals),
    "best_country": revenue.most_common(1)[0],
    "quantities": quantities.most_common(),
}, indent=1))
`.trim();

/** Asks 100,000 rows a question in Python. */
export const analyse = async (day, orders) => {
  const answer = await day.call('execute_code', { language: 'python', code: CODE });
  const found = JSON.parse(answer.stdout.text);
  day.holds('Python saw every row', found.rows, orders.rows);
  day.holds('Python agrees on the best country', found.best_country, orders.revenue[0]);
  day.holds('Python agrees on the quantities', found.quantities, orders.quantities);
};
