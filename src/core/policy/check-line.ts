import { CorralError } from '../../ports/errors.ts';
import { createContainment } from './containment.ts';
import type { Policy } from './decide.ts';
import { loadTemplate } from './templates.ts';
import { printable } from './text.ts';
import type { Decision } from './types.ts';

/** The answer to one line of `corral policy check`: what was decided, and the `id` of the request when it had one. */
export interface CheckAnswer {
  readonly id?: string | number;
  readonly verdict: Decision['verdict'];
  readonly rule: string;
  readonly reason: string;
  readonly at?: number;
  /** What would be executed, by name and resolved path. */
  readonly programs?: readonly { readonly name: string; readonly path?: string }[];
  readonly plan?: Decision['plan'];
}

const invalid = (reason: string): CheckAnswer => ({ verdict: 'deny', rule: 'invalid', reason: printable(reason) });

const answerOf = ({ verdict, rule, reason, at, programs, plan }: Decision, withPlan: boolean): CheckAnswer => ({
  verdict,
  rule,
  reason,
  ...(at !== undefined && { at }),
  ...(programs.length > 0 && {
    programs: programs.map(({ name, path }) => ({ name: printable(name), ...(path !== undefined && { path }) })),
  }),
  ...(withPlan && plan !== undefined && { plan }),
});

/** A template is loaded and filled in, and the argv that comes of it is decided like any other. */
const checkTemplate = (policy: Policy, template: unknown, values: unknown): Decision | CheckAnswer => {
  try {
    const containment = createContainment(policy.facts.roots, policy.facts.files);
    const rendered = loadTemplate('template', template).render(values, containment, containment.roots[0] ?? '/');
    return 'reason' in rendered ? invalid(rendered.reason) : policy.decide({ argv: rendered.argv });
  } catch (error) {
    if (error instanceof CorralError) return invalid(error.message);
    throw error;
  }
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Decides a request that is one line of JSON. Never throws: a line that is no request is denied. */
export const createLineCheck =
  (policy: Policy, withPlan: boolean) =>
  (line: string): CheckAnswer => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return invalid('the line is no JSON');
    }
    if (!isRecord(value)) return invalid('the request is no object');
    const { id, ...request } = value;
    const named = typeof id === 'string' || typeof id === 'number' ? { id } : {};
    try {
      const decision = 'template' in request ? checkTemplate(policy, request['template'], request['values']) : policy.decide(request);
      return { ...named, ...('caps' in decision ? answerOf(decision, withPlan) : decision) };
    } catch (error) {
      return { ...named, verdict: 'deny', rule: 'internal', reason: printable(error instanceof Error ? error.message : String(error)) };
    }
  };
