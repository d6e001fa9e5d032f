import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** One line about what is being done, on stderr: stdout belongs to results. */
export const say = (line) => process.stderr.write(`corral: ${line}\n`);

/**
 * Runs a program to its end with inherited streams; resolves to its exit code (128 + n after signal n, 127 when it is missing).
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, timeoutMs?: number }} [options]
 * @returns {Promise<number>}
 */
export const run = (argv, options = {}) => finish(start(argv, 'inherit', options), options.timeoutMs).then((end) => end.code);

/**
 * Runs a program to its end and gives its output; never throws.
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, input?: string, timeoutMs?: number, echo?: boolean }} [options]
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
export const capture = async (argv, options = {}) => {
  const child = start(argv, 'pipe', options);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    if (options.echo) process.stdout.write(text);
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
    if (options.echo) process.stderr.write(text);
  });
  // A program that does not read its input closes the pipe early: that is its business.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  const end = await finish(child, options.timeoutMs);
  return { code: end.code, stdout, stderr: end.message ? `${stderr}${end.message}\n` : stderr };
};

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

const start = (argv, stdio, options) =>
  spawn(argv[0], argv.slice(1), { cwd: options.cwd ?? ROOT, env: { ...process.env, ...options.env }, stdio });

const finish = (child, timeoutMs) =>
  new Promise((resolve) => {
    let message = '';
    const timer = timeoutMs
      ? setTimeout(() => {
          message = `ended after ${Math.round(timeoutMs / 1000)} s: ${child.spawnargs.join(' ')}`;
          child.kill('SIGTERM');
          setTimeout(() => child.kill('SIGKILL'), 5000).unref();
        }, timeoutMs)
      : undefined;
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ code: 127, message: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (message) say(message);
      resolve({ code: code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0), message });
    });
  });
