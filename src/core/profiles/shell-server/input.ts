import { ARGUMENT_BYTES } from '../../executions/input.ts';
import { mistake } from './texts.ts';

/** Arguments of a call before anything is known of them. */
export type RawArguments = Readonly<Record<string, unknown>>;

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

/** `none`: what to say when there is no command at all. */
export const readWords = ({ command }: RawArguments, none: string): readonly string[] => {
  if (isAbsent(command) || (Array.isArray(command) && command.length === 0)) throw mistake(none);
  if (!Array.isArray(command)) throw mistake("'command' must be an array");
  for (const [index, word] of command.entries()) {
    if (typeof word !== 'string') throw mistake("'command' must be an array of strings");
    if (word.includes('\0')) throw mistake(`'command' must not contain NUL (item ${String(index)})`);
    if (Buffer.byteLength(word) > ARGUMENT_BYTES)
      throw mistake(`'command' has an item of more than ${String(ARGUMENT_BYTES)} bytes (item ${String(index)}); use stdin`);
  }
  return command as readonly string[];
};

export const readText = (args: RawArguments, name: string): string | undefined => {
  const value = args[name];
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string') throw mistake(`'${name}' must be a string`);
  return value;
};

export const readFlag = (args: RawArguments, name: string, standard: boolean): boolean => {
  const value = args[name];
  if (isAbsent(value)) return standard;
  if (typeof value !== 'boolean') throw mistake(`'${name}' must be a boolean`);
  return value;
};

/** A year, in seconds. */
const LONGEST = 31_536_000;

/** Whole seconds. */
export const readTimeout = ({ timeout }: RawArguments): number | undefined => {
  if (isAbsent(timeout)) return undefined;
  if (typeof timeout !== 'number' || !Number.isInteger(timeout)) throw mistake("'timeout' must be an integer");
  if (timeout < 0 || timeout > LONGEST) throw mistake(`'timeout' must be between 0 and ${String(LONGEST)}`);
  return timeout;
};

export const readPositive = (args: RawArguments, name: string): number | undefined => {
  const value = args[name];
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) throw mistake(`'${name}' must be an integer greater than 0`);
  return value;
};

export const readTexts = (args: RawArguments, name: string): readonly string[] | undefined => {
  const value = args[name];
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw mistake(`'${name}' must be an array of strings`);
  return value as readonly string[];
};

export const readVariables = ({ envs }: RawArguments): Readonly<Record<string, string>> => {
  if (isAbsent(envs)) return {};
  if (typeof envs !== 'object' || Array.isArray(envs) || Object.values(envs).some((value) => typeof value !== 'string'))
    throw mistake("'envs' must be an object of strings");
  return envs as Readonly<Record<string, string>>;
};
