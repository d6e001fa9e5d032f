import * as z from 'zod/v4';
import { CorralError } from '../../../ports/errors.ts';
import { noNul } from '../../executions/input.ts';
import { scratchFolder } from '../../executions/scratch.ts';
import type { Look } from '../../executions/types.ts';
import { planCode } from '../../languages/plan.ts';
import type { Language } from '../../languages/table.ts';
import type { Operation } from '../../operation.ts';
import { programsOfText } from '../../policy/started-programs.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import type { ExecDeps } from './deps.ts';
import { optionalText, outputType, readOutputType, readWait, waitFields } from './input.ts';
import { COMPILED, languagesOf, NO_SOLIDITY, SOLIDITY } from './languages.ts';
import { endedText } from './output.ts';
import { runSession } from './start.ts';
import { BLACKLISTED } from './texts.ts';
import { defineTool } from './tool.ts';

const SCRIPT_BYTES = 2 * 1024 * 1024;
const COMPILE_SECONDS = 60;
/** With which `timeout` says that the time was up. */
const TIMED_OUT = 124;

interface Chosen {
  readonly language: Language;
  readonly tool: string;
}

/** The first of these languages whose program is there, or what to say. */
const choose = async ({ tools }: ExecDeps, live: LiveSandbox, languages: readonly Language[]): Promise<Chosen | string> => {
  let missing = '';
  for (const language of languages)
    try {
      // First by itself: of languages that Corral has no tool for it asks on its own.
      await tools.find(live, language.tools);
      return { language, tool: await tools.forLanguage(live, language) };
    } catch (error) {
      if (!(error instanceof CorralError) || error.code !== 'unsupported') throw error;
      missing = `Error: ${error.message} ${error.hint}`;
    }
  return languages === SOLIDITY ? NO_SOLIDITY : missing;
};

export const scriptOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: 'code.execute',
    tool: 'execute_script',
    title: 'Execute a script',
    description:
      'Run code and wait for it as execute_command does. Types: bash, python, js, ts, rust, go, solidity. Rust, Go and Solidity are compiled first.',
    effect: 'execute',
    input: {
      script: z
        .string()
        .refine(noNul, 'must not contain NUL')
        .refine((text) => Buffer.byteLength(text) <= SCRIPT_BYTES, `holds at most ${String(SCRIPT_BYTES)} bytes`),
      script_type: z.string().nullish(),
      ...waitFields,
      output_type: outputType,
      working_directory: optionalText,
    },
    subject: ({ working_directory }) => (typeof working_directory === 'string' ? { cwd: working_directory } : {}),
    run: async (input, context) => {
      const wanted = readOutputType(input.output_type);
      const languages = languagesOf(input.script_type ?? 'bash');
      if (languages.length === 0) return `Unsupported script type: ${input.script_type ?? ''}`;
      const live = await deps.place.live(context.signal);
      const cwd = await deps.place.folder(live, input.working_directory, context.decision !== undefined);
      const chosen = await choose(deps, live, languages);
      if (typeof chosen === 'string') return chosen;
      const { language, tool } = chosen;
      // Of other languages nobody can tell what they start.
      if (language.name === 'bash') {
        const started = () => programsOfText(input.script, tool.endsWith('/bash') ? 'bash' : 'sh');
        if (await deps.blocks.refuses(started, live, cwd)) return BLACKLISTED;
      }
      const compiler = COMPILED.get(language.name);
      const timeout = compiler === undefined ? undefined : (await deps.tools.find(live, ['timeout'])).get('timeout');
      let runStep = 0;
      const ended = async (look: Look): Promise<string | undefined> => {
        const { step = 0, outcome } = look.record;
        if (compiler === undefined || step >= runStep || outcome?.kind !== 'exited') return undefined;
        if (outcome.code === TIMED_OUT) return `${compiler} compilation timed out`;
        return endedText(deps.logs, look, wanted, `${String(COMPILE_SECONDS)}.00`);
      };
      return runSession(
        deps,
        {
          command: `${language.name} script: ${(input.script.trim().split('\n', 1)[0] ?? '').slice(0, 100)}`,
          live,
          cwd,
          plan: async ({ execution }) => {
            const dir = scratchFolder(live, execution);
            const plan = planCode({ language, tool, code: input.script, args: [], dir, cwd });
            runStep = plan.runStep;
            if (plan.file !== undefined)
              await live.sandbox.files.write(plan.file.path, Buffer.from(plan.file.text), { makeParents: true }, context.signal);
            const limited = timeout === undefined ? [] : [timeout, '-k', '1', String(COMPILE_SECONDS)];
            return {
              steps: plan.steps.map((step, index) => (index >= plan.compileStep && index < plan.runStep ? [...limited, ...step] : step)),
              env: plan.env,
              meta: { language: language.name },
              scratch: plan.file === undefined ? undefined : dir,
            };
          },
          waitSeconds: readWait(input),
          wanted,
          ended,
        },
        context,
      );
    },
  });
