//! Reads orders as CSV on standard input and prints the revenue of each country in cents, highest first.
use std::collections::HashMap;
use std::io::{self, BufRead};

fn main() -> io::Result<()> {
    let mut revenue: HashMap<String, u64> = HashMap::new();
    let mut rows = 0u64;
    for line in io::stdin().lock().lines().skip(1) {
        let line = line?;
        let fields: Vec<&str> = line.split(',').collect();
        let cents: u64 = fields[4].parse::<u64>().unwrap() * fields[5].parse::<u64>().unwrap();
        *revenue.entry(fields[2].to_string()).or_default() += cents;
        rows += 1;
    }
    let mut countries: Vec<_> = revenue.into_iter().collect();
    countries.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (country, cents) in countries {
        println!("{country} {cents}");
    }
    eprintln!("{rows} rows");
    Ok(())
}
