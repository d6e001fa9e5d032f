import { outcomeWords } from './outcome.ts';
import { shortSize } from './sizes.ts';
import { printable, type Style } from './style.ts';
import { shortDuration } from './table.ts';

/** A receipt as it comes from `execution.list`; what is not known is absent. */
export interface ReceiptView {
  readonly execution_id: string;
  readonly sandbox_id: string;
  readonly status: string;
  readonly command: string;
  readonly cwd?: string;
  readonly caller: string;
  readonly started: string;
  readonly ended?: string;
  readonly duration_ms?: number;
  readonly outcome?: { readonly kind: string; readonly code?: number; readonly signal?: string };
  readonly message?: string;
  readonly usage?: Figures;
  readonly now?: Figures & {
    readonly source: string;
    readonly rss_bytes: number;
    readonly processes: number;
    readonly ports?: readonly number[];
  };
  readonly background?: number;
  readonly files?: {
    readonly created?: readonly string[];
    readonly changed?: readonly string[];
    readonly removed?: readonly string[];
    readonly more?: number;
    readonly complete: boolean;
    readonly why?: string;
  };
  readonly ports?: readonly number[];
  readonly output: { readonly stdout: StreamView; readonly stderr: StreamView };
  readonly rule: string | { readonly verdict: string; readonly rule: string; readonly reason: string; readonly file?: string };
  readonly driver?: string;
  readonly network?: string;
  readonly isolation?: {
    readonly measured: boolean;
    readonly namespaces?: readonly string[];
    readonly uid?: number;
    readonly capabilities?: string;
    readonly no_new_privileges?: boolean;
    readonly seccomp?: boolean;
  };
  readonly limits: Readonly<Record<string, string | number>>;
}

interface Figures {
  readonly cpu_user_ms: number;
  readonly cpu_system_ms: number;
  readonly peak_rss_bytes: number;
  readonly read_bytes?: number;
  readonly written_bytes?: number;
  readonly voluntary_switches?: number;
  readonly involuntary_switches?: number;
  readonly peak_processes?: number;
}

interface StreamView {
  readonly bytes: number;
  readonly lines?: number;
  readonly sha256?: string;
}

type Row = readonly [label: string, text: string];

const LABEL_COLUMNS = 10;
/** Paths of one kind that people are shown; --json has all that are kept. */
const SHOWN_PATHS = 20;

const list = (parts: readonly (string | undefined)[]): string => parts.filter((part) => part !== undefined && part !== '').join(', ');

const usageRows = (figures: Figures): Row[] => [
  ['cpu', `${shortDuration(figures.cpu_user_ms)} user, ${shortDuration(figures.cpu_system_ms)} system`],
  ['memory', `${shortSize(figures.peak_rss_bytes)} at most`],
  ...(figures.read_bytes === undefined
    ? []
    : [['disk', `${shortSize(figures.read_bytes)} read, ${shortSize(figures.written_bytes ?? 0)} written`] as Row]),
  ...(figures.voluntary_switches === undefined
    ? []
    : [['switches', `${figures.voluntary_switches} voluntary, ${figures.involuntary_switches ?? 0} involuntary`] as Row]),
  ...(figures.peak_processes === undefined ? [] : [['processes', `${figures.peak_processes} at once at most`] as Row]),
];

const nowRows = (now: NonNullable<ReceiptView['now']>): Row[] => [
  ...usageRows(now),
  ['now', `${shortSize(now.rss_bytes)}, ${now.processes} process${now.processes === 1 ? '' : 'es'} (from ${now.source})`],
];

const streamText = ({ bytes, lines, sha256 }: StreamView): string =>
  list([shortSize(bytes), lines === undefined ? undefined : `${lines} lines`, sha256 === undefined ? undefined : `sha256 ${sha256}`]);

/** A line break in a name is told from a blank. */
const pathText = (path: string): string => printable(path.replaceAll('\n', String.raw`\n`).replaceAll('\t', String.raw`\t`));

const fileLines = (files: NonNullable<ReceiptView['files']>, style: Style): string[] => {
  const kind = (sign: string, paths: readonly string[] = []): string[] => [
    ...paths.slice(0, SHOWN_PATHS).map((path) => `${sign} ${pathText(path)}`),
    ...(paths.length > SHOWN_PATHS ? [`${sign} and ${paths.length - SHOWN_PATHS} more of these`] : []),
  ];
  const shown = [
    ...kind(style.green('+'), files.created),
    ...kind(style.yellow('~'), files.changed),
    ...kind(style.red('-'), files.removed),
    ...(files.more === undefined ? [] : [`  and ${files.more} more that are not listed`]),
  ];
  const none = files.complete ? ['nothing changed'] : ['nothing was seen'];
  return [
    ...(shown.length > 0 ? shown : none),
    ...(files.why === undefined ? [] : [style.dim(`${files.complete ? '' : 'incomplete: '}${files.why}`)]),
  ];
};

const isolationText = ({ isolation: facts, driver, network }: ReceiptView): string =>
  list([
    driver,
    network === undefined ? undefined : `network ${network}`,
    ...(facts?.measured === true
      ? [
          facts.namespaces?.length === 0 ? 'no namespace of its own' : `own ${facts.namespaces?.join(' ')}`,
          facts.uid === undefined ? undefined : `uid ${facts.uid}`,
          `capabilities ${facts.capabilities}`,
          facts.seccomp === true ? 'system calls filtered' : 'no filter of system calls',
          facts.no_new_privileges === true ? 'no new privileges' : undefined,
        ]
      : ['not measured']),
  ]);

const BYTES = /_bytes$/;

const limitsText = (limits: ReceiptView['limits']): string =>
  list(
    Object.entries(limits).map(([name, value]) => {
      if (name === 'class') return undefined;
      if (name === 'kept_by') return `class ${limits['class']} (${value})`;
      if (name === 'timeout_ms') return `timeout ${shortDuration(Number(value))}`;
      if (BYTES.test(name)) return `${name.replace(BYTES, '')} ${shortSize(Number(value))}`;
      return `${name.replaceAll('_', ' ')} ${value}`;
    }),
  );

/** For people: one label a line, files one a line below. */
export const receiptText = (receipt: ReceiptView, style: Style): string => {
  const { rule, files } = receipt;
  const rows: Row[] = [
    ['command', printable(receipt.command)],
    ['where', list([receipt.cwd === undefined ? undefined : printable(receipt.cwd), `sandbox ${receipt.sandbox_id}`])],
    ['caller', printable(receipt.caller)],
    ['started', receipt.started],
    ...(receipt.ended === undefined ? [] : [['ended', receipt.ended] as Row]),
    ...(receipt.duration_ms === undefined ? [] : [['took', shortDuration(receipt.duration_ms)] as Row]),
    ['outcome', receipt.outcome === undefined ? receipt.status : outcomeWords(receipt.outcome)],
    ...(receipt.message === undefined ? [] : [['', printable(receipt.message)] as Row]),
    ...(receipt.background === undefined ? [] : [['', `${receipt.background} of its processes still run`] as Row]),
    ...(receipt.usage === undefined ? [] : usageRows(receipt.usage)),
    ...(receipt.now === undefined ? [] : nowRows(receipt.now)),
    ...((receipt.ports ?? receipt.now?.ports) === undefined
      ? []
      : [['ports', (receipt.ports ?? receipt.now?.ports ?? []).join(', ')] as Row]),
    ['stdout', streamText(receipt.output.stdout)],
    ['stderr', streamText(receipt.output.stderr)],
    [
      'rule',
      typeof rule === 'string'
        ? rule
        : printable(`${rule.verdict} by ${rule.rule}${rule.file === undefined ? '' : ` in ${rule.file}`}: ${rule.reason}`),
    ],
    ['sandbox', isolationText(receipt)],
    ['limits', limitsText(receipt.limits)],
    ...(files === undefined ? [['files', receipt.status === 'running' ? 'told at its end' : 'not watched'] as Row] : []),
  ];
  const lines = rows.map(([label, text]) => `${style.bold(label.padEnd(LABEL_COLUMNS))}${text}`);
  const changes =
    files === undefined
      ? []
      : fileLines(files, style).map(
          (line, index) => `${index === 0 ? style.bold('files'.padEnd(LABEL_COLUMNS)) : ' '.repeat(LABEL_COLUMNS)}${line}`,
        );
  return `${style.bold('execution'.padEnd(LABEL_COLUMNS))}${receipt.execution_id}\n${[...lines, ...changes].join('\n')}\n`;
};
