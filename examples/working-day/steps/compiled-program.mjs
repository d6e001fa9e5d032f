const buildPlan = ({ languages, programs }) => {
  if (languages.has('rust') && programs.has('cargo'))
    return { language: 'Rust', build: 'cargo build --release --offline', run: './target/release/tally' };
  if (languages.has('rust')) return { language: 'Rust', build: 'rustc -O -o tally-program src/main.rs', run: './tally-program' };
  return { language: 'C', build: 'cc -O2 -o tally-program main.c', run: './tally-program' };
};

/** Builds a program and lets it read the orders. */
export const buildAndRun = async (day, here, orders) => {
  const plan = buildPlan(here);
  if (plan.language !== 'Rust') day.transcript.note('there is no Rust on this machine: the same program in C');
  const built = await day.call('execute_command', { command: plan.build, cwd: 'tally', wait_seconds: 50 });
  day.holds(`the ${plan.language} program builds`, built.outcome, { kind: 'exited', code: 0 });
  const ran = await day.call('execute_command', { command: `${plan.run} < ../orders.csv`, cwd: 'tally' });
  const expected = orders.revenue.map(([country, cents]) => `${country} ${cents}\n`).join('');
  day.holds('its revenue by country is right to the cent', ran.stdout.text, expected);
  day.holds('it read every row', ran.stderr.text, `${orders.rows} rows\n`);
};
