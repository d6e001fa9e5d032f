const TEST =
  'esbuild test/*.test.ts --bundle --platform=node --format=esm --out-extension:.js=.mjs --outdir=build --log-level=warning && node --test build/';

const counts = (text) => ({ pass: Number(/^. pass (\d+)$/m.exec(text)?.[1]), fail: Number(/^. fail (\d+)$/m.exec(text)?.[1]) });

/** Runs the TypeScript tests of the shop, mends what they find, and runs them again. */
export const testAndMend = async (day) => {
  const red = await day.call('execute_command', { command: TEST, cwd: 'shop' });
  day.holds(
    'two of five tests fail',
    [red.outcome, counts(red.stdout.text)],
    [
      { kind: 'exited', code: 1 },
      { pass: 3, fail: 2 },
    ],
  );
  const found = await day.call('read_output', { execution_id: red.execution_id, grep: { pattern: '^not ok|✖ the subtotal', max: 1 } });
  day.holds('the log says which', /the subtotal counts quantities/.test(found.stdout.text), true);
  const edited = await day.call('files', {
    action: 'edit',
    path: 'shop/src/cart.ts',
    old_text: 'sum + item.cents,',
    new_text: 'sum + item.cents * item.quantity,',
  });
  day.holds('one place was mended', edited.replaced, 1);
  const green = await day.call('execute_command', { command: TEST, cwd: 'shop' });
  day.holds(
    'all five pass',
    [green.outcome, counts(green.stdout.text)],
    [
      { kind: 'exited', code: 0 },
      { pass: 5, fail: 0 },
    ],
  );
};
