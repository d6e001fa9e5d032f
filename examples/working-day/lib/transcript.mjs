const WIDTH = 110;
const SHOWN_LINES = 8;

const colour = (code) => (process.stdout.isTTY ? (text) => `\u001b[${code}m${text}\u001b[0m` : (text) => text);
const dim = colour(2);
const bold = colour(1);
const green = colour(32);

const clip = (text, width) => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);

/** Text beneath a mark, its middle left out when it is long. */
const body = (text, mark) => {
  const lines = text.trimEnd().split('\n');
  const shown =
    lines.length <= SHOWN_LINES
      ? lines
      : [...lines.slice(0, SHOWN_LINES - 3), dim(`… ${lines.length - SHOWN_LINES + 1} lines …`), ...lines.slice(-2)];
  return shown.map((line) => `    ${mark} ${clip(line, WIDTH)}`).join('\n');
};

const argument = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Prints a session as it happens: what was asked, what came back, how long it took. */
export const createTranscript = (write = (text) => process.stdout.write(text)) => {
  const started = performance.now();
  return {
    title: (text) => write(`\n${bold(`${text} ${'─'.repeat(Math.max(0, WIDTH - text.length))}`)}\n`),
    call: (tool, args) => {
      const { command, code, ...others } = args;
      write(
        `\n  ${bold(tool)}${Object.entries(others)
          .map(([key, value]) => dim(` ${key}=`) + clip(argument(value), 60))
          .join('')}\n`,
      );
      if (command !== undefined) write(`${body(argument(command), dim('$'))}\n`);
      if (code !== undefined) write(`${body(code, dim('>'))}\n`);
    },
    answer: (answer, ms) => {
      for (const stream of ['stdout', 'stderr', 'output'])
        if (answer[stream]?.text) write(`${body(answer[stream].text, dim(stream === 'stderr' ? '!' : '|'))}\n`);
      const outcome =
        answer.outcome === undefined
          ? answer.status
          : `${answer.outcome.kind} ${answer.outcome.code ?? answer.outcome.signal ?? ''}`.trim();
      const facts = [outcome, answer.stage, answer.condition && `met: ${answer.condition}`, `${Math.round(ms)} ms`].filter(Boolean);
      write(`    ${dim(facts.join(', '))}\n`);
    },
    note: (text) => write(`    ${text}\n`),
    holds: (text) => write(`    ${green('✓')} ${text}\n`),
    end: (count) => write(`\n${green('✓')} ${count} results checked in ${((performance.now() - started) / 1000).toFixed(1)} s\n`),
  };
};
