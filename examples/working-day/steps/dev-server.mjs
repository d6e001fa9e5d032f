const PORT = 8123;
const LABELS = { service: 'orders' };

const fetchWith = (here, path) =>
  here.programs.has('curl')
    ? `curl -s http://127.0.0.1:${PORT}${path}`
    : `node -e "fetch('http://127.0.0.1:${PORT}${path}').then((r) => r.text()).then((t) => process.stdout.write(t))"`;

/** Starts a dev server, uses it from other calls, reads its log, and ends it with all it started. */
export const serveAndStop = async (day, here, orders) => {
  const started = await day.call('execute_command', { command: `node server/dev-server.mjs ${PORT}`, wait_seconds: 0, labels: LABELS });
  const { execution_id } = started;
  day.holds('the call answers while the server goes on', started.status, 'running');
  const ready = await day.call('wait', { execution_id, until: { port: PORT }, wait_seconds: 20 });
  day.holds('its port is open', [ready.satisfied, ready.condition], [true, 'port']);

  const page = await day.call('execute_command', { command: fetchWith(here, '/orders/4711') });
  day.holds('another call gets an answer from it', JSON.parse(page.stdout.text), { row: orders.line(4711) });
  await day.call('execute_command', { command: fetchWith(here, '/nothing') });

  const log = await day.call('read_output', { execution_id, stream: 'both', grep: '-> 404|warning' });
  day.holds('its log can be searched, both streams in order', log.output.text.match(/GET|warning/g), ['GET', 'warning']);

  const listed = await day.call('list_executions', { labels: LABELS, status: 'running' });
  day.holds(
    'it is found by its label',
    listed.executions.map((one) => one.execution_id),
    [execution_id],
  );

  const ended = await day.call('terminate', { execution_id });
  day.holds('it ends with its helpers', [ended.status, ended.survivors], ['finished', []]);
  const left = await day.call('execute_command', { command: 'grep -la "sleep" /proc/[0-9]*/comm /dev/null; true' });
  day.holds('no process of it is left', left.stdout, undefined);
};
